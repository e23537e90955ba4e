# Girish et al. (CVPR 2021) on VOC, all of Table 3: all roles with their predictors, frozen stages too,
# neither stem nor shortcuts; late rewinding to iteration 600. Other rows: targets.scope='backbone+top' …
_base_ = './imp.py'

lottery = dict(
    rounds=8,
    rewind='600it',
    targets=dict(
        scope='all+predictors', exclude=['backbone.conv1', 'downsample.0'], frozen=True
    ),
)
