# Keeps the weights whose removal would reduce the gradient most (Wang et al., ICLR 2020).
# Where a layer cannot be differentiated twice, the search says so before it trains;
# product='difference' in its place is another ranking.
_base_ = './imp.py'

lottery = dict(score=dict(type='grasp', batches=4))
