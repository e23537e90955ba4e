"""The hooks that a search adds to the Runner of each round.

Those that make sense in a config by themselves are registered: `AccelerateHook`, which only tests,
`BayesianHook`, `DistilHook`, `MaskHook`, `PruningHook`, `ResumeHook`, `RSTHook`, `TicketSaver` and
`ValidationLossHook`.
"""

from mmlth.engine.evaluation import ResultHook
from mmlth.engine.hooks.accelerate_hook import AccelerateHook
from mmlth.engine.hooks.bayesian_hook import BayesianHook
from mmlth.engine.hooks.begin_hook import BeginHook
from mmlth.engine.hooks.display_hook import DisplayHook
from mmlth.engine.hooks.distil_hook import DistilHook
from mmlth.engine.hooks.mask_distance_hook import MaskDistanceHook, StopRule
from mmlth.engine.hooks.mask_hook import MaskHook
from mmlth.engine.hooks.pace_hook import PaceHook, check_schedule_hook, pace_schedule
from mmlth.engine.hooks.preemption_hook import PreemptionHook
from mmlth.engine.hooks.progress_hook import ProgressHook
from mmlth.engine.hooks.pruning_hook import MethodHook, PruningHook
from mmlth.engine.hooks.resume_hook import ResumeHook
from mmlth.engine.hooks.rewind_hook import RewindHook
from mmlth.engine.hooks.rst_hook import RSTHook
from mmlth.engine.hooks.running_time_hook import RunningTimeHook
from mmlth.engine.hooks.sparsity_hook import SparsityHook
from mmlth.engine.hooks.ticket_saver import TicketSaver
from mmlth.engine.hooks.validation_loss_hook import ValidationLossHook

__all__ = [
    'AccelerateHook',
    'BayesianHook',
    'BeginHook',
    'DisplayHook',
    'DistilHook',
    'MaskDistanceHook',
    'MaskHook',
    'MethodHook',
    'PaceHook',
    'PreemptionHook',
    'ProgressHook',
    'PruningHook',
    'RSTHook',
    'ResultHook',
    'ResumeHook',
    'RewindHook',
    'RunningTimeHook',
    'SparsityHook',
    'StopRule',
    'TicketSaver',
    'ValidationLossHook',
    'check_schedule_hook',
    'pace_schedule',
]
