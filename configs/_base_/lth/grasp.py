# Keeps the weights whose removal would reduce the gradient most (Wang et al., ICLR 2020).
_base_ = './imp.py'

lottery = dict(score=dict(type='grasp', batches=4))
