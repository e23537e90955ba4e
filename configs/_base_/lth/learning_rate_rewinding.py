# Renda et al. (ICLR 2020): weights stay as trained, the schedule goes back to the rewind step.
_base_ = './imp.py'

lottery = dict(rewind_what='learning_rate')
