# One-shot: all of the sparsity in one round, to compare with iterative pruning.
_base_ = './imp.py'

lottery = dict(rounds=1)
