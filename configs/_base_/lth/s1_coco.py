# Girish et al. (CVPR 2021) on COCO: frozen stages and the stem are pruned too, shortcuts and
# predictors not. Late rewinding to the end of epoch 1, then the whole schedule again.
_base_ = './imp.py'

lottery = dict(rounds=8, rewind='1ep', after_rewind='full', targets=dict(scope='s1_coco'))
