# Early-bird tickets (You et al., ICLR 2020): a round ends when its mask holds still.
_base_ = './imp.py'

lottery = dict(early_bird=dict(window=5, distance=0.1))
