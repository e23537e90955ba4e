# Keeps the weights on the strongest paths; needs no data (Tanaka et al., NeurIPS 2020).
_base_ = './imp.py'

lottery = dict(score='synflow')
