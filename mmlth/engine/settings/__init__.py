"""The ``lottery`` key of a config: what it may hold, and what it means."""

from mmlth.engine.settings.branch import BranchSettings
from mmlth.engine.settings.early_bird import EarlyBirdSettings
from mmlth.engine.settings.rewinding import AFTER_REWIND, BEST, REWIND_WHAT, parse_step
from mmlth.engine.settings.settings import AGREEMENT, CHECKPOINTS, Settings, parse_settings
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
    'TargetSettings',
    'parse_settings',
    'parse_step',
]
