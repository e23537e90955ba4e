# Each layer loses the same share of its weights. S1: as good as global below 60 %, worse above.
_base_ = './imp.py'

lottery = dict(allocation='uniform')
