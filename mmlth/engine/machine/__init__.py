"""The machine that a search runs on: processes, signals, locks, disks, clocks."""

from mmlth.engine.machine.disk_use import disk_use
from mmlth.engine.machine.full_disk import explaining_full_disks
from mmlth.engine.machine.lock import only_training_in
from mmlth.engine.machine.preemption import Preemption
from mmlth.engine.machine.processes import join_processes
from mmlth.engine.machine.running_time import RunningTime

__all__ = [
    'Preemption',
    'RunningTime',
    'disk_use',
    'explaining_full_disks',
    'join_processes',
    'only_training_in',
]
