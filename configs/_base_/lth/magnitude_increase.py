# Keeps the weights whose magnitude grew most in training (Zhou et al., NeurIPS 2019).
_base_ = './imp.py'

lottery = dict(score='magnitude_increase')
