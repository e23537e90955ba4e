# Sparsities are shares of the multiply-adds rather than of the weights: a weight is worth its score
# for each position that it is applied to, so that pruning begins where maps are large. Needs a
# val_dataloader that brings images to one size.
_base_ = './imp.py'

lottery = dict(budget='macs')
