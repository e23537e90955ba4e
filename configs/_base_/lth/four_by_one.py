# Blocks of four output channels at one input channel and kernel position.
# Sparse kernels on CPUs compute these faster: they load each input once for all four.
_base_ = './imp.py'

lottery = dict(pattern='4x1')
