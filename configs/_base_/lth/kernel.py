# Whole k x k kernels of convolutions go at once.
_base_ = './imp.py'

lottery = dict(pattern='kernel')
