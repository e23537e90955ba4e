# Chen et al. (CVPR 2021): 20 % of the remaining weights a round, 18 rounds.
# Each starts from the weights that training starts from (pt_trans; from random ones: lt). All of
# the backbone but conv1.
_base_ = './imp.py'

lottery = dict(
    rate=0.2,
    target_sparsity=1 - 0.8**18,  # 98.2 %, where 18 rounds end
    rewind='0',
    after_rewind='full',
    targets=dict(scope='s2'),
)
