# Keeps the weights that training moved farthest, in whatever direction (Zhou et al., NeurIPS 2019).
_base_ = './imp.py'

lottery = dict(score='movement')
