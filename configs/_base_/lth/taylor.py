# Keeps the weights by the first-order change of the loss (Molchanov et al., CVPR 2019).
_base_ = './imp.py'

lottery = dict(score=dict(type='taylor', batches=4))
