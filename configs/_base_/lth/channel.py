# Whole output channels go at once, so that smaller dense layers could replace them.
_base_ = './imp.py'

lottery = dict(pattern='channel', target_sparsity=0.5)
