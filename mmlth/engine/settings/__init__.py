"""The ``lottery`` key of a config: what it may hold, and what it means."""

from mmlth.engine.settings.choices import (
    build_allocation,
    build_method,
    build_pattern,
    build_score,
    is_method,
)
from mmlth.engine.settings.controls import build_control, control_names
from mmlth.engine.settings.distil import check_positive
from mmlth.engine.settings.lottery import Settings, parse_settings
from mmlth.engine.settings.members import Spec
from mmlth.engine.settings.method import without_use
from mmlth.engine.settings.rewinding import parse_step
from mmlth.engine.settings.round_length import RoundLength
from mmlth_common.lottery import (
    BEST,
    CHECKPOINTS,
    BranchSettings,
)

__all__ = [
    'BEST',
    'CHECKPOINTS',
    'BranchSettings',
    'RoundLength',
    'Settings',
    'Spec',
    'build_allocation',
    'build_control',
    'build_method',
    'build_pattern',
    'build_score',
    'check_positive',
    'control_names',
    'is_method',
    'parse_settings',
    'parse_step',
    'without_use',
]
