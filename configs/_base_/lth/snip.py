# Keeps the weights whose removal would change the loss most (Lee et al., ICLR 2019).
_base_ = './imp.py'

lottery = dict(score=dict(type='snip', batches=4))
