# Chen et al. (CVPR 2021) on downstream tasks: 18 rounds, each from the best dense weights.
# Those of round 0 (pt; needs default_hooks.checkpoint.save_best). With rewind='0' it is pt_trans or
# lt, with a step at 5 % of training rewind_lt.
_base_ = './s2_pretraining.py'

lottery = dict(rewind='best')
