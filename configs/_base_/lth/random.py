# A control: weights chosen at random over all layers.
_base_ = './imp.py'

lottery = dict(score='random')
