# RTMDet-tiny on a quarter of BCCD's images, for comparisons over several seeds.
# White cells and platelets become rare, about 60 of each to learn from. Run as
# rtmdet_tiny_bccd_study.py is, by tools/study/study.py.
_base_ = './rtmdet_tiny_bccd_study.py'

epochs, last_epochs = 20, 4

train_dataloader = dict(dataset=dict(indices=52))

train_cfg = dict(max_epochs=epochs, val_interval=epochs)
param_scheduler = _base_.param_scheduler
param_scheduler[0].update(end=26)
param_scheduler[1].update(begin=2, end=epochs, T_max=epochs - 2)
default_hooks = dict(checkpoint=dict(interval=10), logger=dict(interval=13))
custom_hooks = _base_.custom_hooks
custom_hooks[1].update(switch_epoch=epochs - last_epochs)

lottery = dict(rewind='2ep')
