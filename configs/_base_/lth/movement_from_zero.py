# Keeps the weights that training moved away from zero (after Sanh et al., NeurIPS 2020).
_base_ = './imp.py'

lottery = dict(score='movement_from_zero')
