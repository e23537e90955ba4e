# Layer-adaptive magnitudes (Lee et al., ICLR 2021): weights relative to their layer's larger ones.
_base_ = './imp.py'

lottery = dict(allocation='lamp')
