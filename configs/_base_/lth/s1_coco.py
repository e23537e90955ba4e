# Girish et al. (CVPR 2021) on COCO: frozen stages and the stem are pruned too, shortcuts, RPN logits
# and predictors not; late rewinding to the end of the first epoch, then the whole schedule again.
_base_ = './imp.py'

lottery = dict(rounds=8, rewind='1ep', targets=dict(scope='s1_coco'))
