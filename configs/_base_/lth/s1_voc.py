# Girish et al. (CVPR 2021) on VOC, "all" of Table 3, late rewinding to iteration 600.
# Every role is pruned with its predictors, frozen stages too, neither stem nor shortcuts. Other
# rows: lottery.targets.scope='backbone+top' and so on.
_base_ = './imp.py'

lottery = dict(
    rounds=8,
    rewind='600it',
    after_rewind='full',
    targets=dict(scope='all+predictors', exclude=['backbone.conv1', 'downsample.0'], frozen=True),
)
