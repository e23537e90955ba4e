# Rounds between the dense and the last one on a quarter of the schedule, compressed to it.
_base_ = './imp.py'

lottery = dict(round_length=0.25)
