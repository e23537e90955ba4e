# Sparsities are shares of the multiply-adds rather than of the weights.
# Needs a val_dataloader that brings images to one size.
_base_ = './imp.py'

lottery = dict(budget='macs')
