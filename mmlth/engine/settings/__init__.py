"""The ``lottery`` key of a config: what it may hold, and what it means."""

from mmlth.engine.settings.branch import BranchSettings
from mmlth.engine.settings.choices import build_allocation, build_pattern, build_score
from mmlth.engine.settings.controls import build_control, control_names
from mmlth.engine.settings.early_bird import EarlyBirdSettings
from mmlth.engine.settings.lottery import AGREEMENT, CHECKPOINTS, Settings, parse_settings
from mmlth.engine.settings.members import Spec
from mmlth.engine.settings.rewinding import AFTER_REWIND, BEST, REWIND_WHAT, parse_step
from mmlth.engine.settings.targets import TargetSettings

__all__ = [
    'AFTER_REWIND',
    'AGREEMENT',
    'BEST',
    'CHECKPOINTS',
    'REWIND_WHAT',
    'BranchSettings',
    'EarlyBirdSettings',
    'Settings',
    'Spec',
    'TargetSettings',
    'build_allocation',
    'build_control',
    'build_pattern',
    'build_score',
    'control_names',
    'parse_settings',
    'parse_step',
]
