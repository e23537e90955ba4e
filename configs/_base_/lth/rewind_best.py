# Rounds start from the best dense weights of round 0, by the metric that the config saves best.
_base_ = './imp.py'

lottery = dict(rewind='best')
