# Two of each four weights along the input, which NVIDIA's sparse tensor cores compute faster.
_base_ = './imp.py'

lottery = dict(pattern='2:4', target_sparsity=0.5, rounds=1)
