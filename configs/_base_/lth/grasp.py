# Keeps the weights whose removal would reduce the gradient most (Wang et al., ICLR 2020). Most
# detectors have a layer that cannot be differentiated twice, as the paper does: hence differences.
_base_ = './imp.py'

lottery = dict(score=dict(type='grasp', batches=4, product='difference'))
