# Whole output channels go at once.
# A pruned one is a constant, for instance the bias of its batch norm; smaller dense layers could
# replace these only if later ones took that constant over.
_base_ = './imp.py'

lottery = dict(pattern='channel', target_sparsity=0.5)
