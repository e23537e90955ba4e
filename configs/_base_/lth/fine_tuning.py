# No rewinding: weights stay as trained, at the learning rate that training ended with.
_base_ = './imp.py'

lottery = dict(rewind_what='nothing')
