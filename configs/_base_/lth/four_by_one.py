# Blocks of four output channels at one input channel and kernel position, which sparse kernels on
# CPUs compute faster: they load each input once for all four.
_base_ = './imp.py'

lottery = dict(pattern='4x1')
