# Rounds start from the best dense weights of round 0 and train in full.
# Needs default_hooks.checkpoint.save_best.
_base_ = './imp.py'

lottery = dict(rewind='best')
