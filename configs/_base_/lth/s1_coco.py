# Girish et al. (CVPR 2021) on COCO, late rewinding to the end of epoch 1.
# Frozen stages and the stem are pruned too, shortcuts and predictors not. A round trains for the
# whole schedule again.
_base_ = './imp.py'

lottery = dict(rounds=8, rewind='1ep', after_rewind='full', targets=dict(scope='s1_coco'))
