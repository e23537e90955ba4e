"""The only place that knows MMEngine: searches, hooks, loading, evaluation, export."""

from mmlth.engine.api import branch, targets, targets_table
from mmlth.engine.configs import base_lottery, read_config
from mmlth.engine.entry import patch_runner
from mmlth.engine.errors import LotteryError
from mmlth.engine.hooks import RSTHook
from mmlth.engine.lottery_runner import LotteryRunner
from mmlth.engine.models import build_model
from mmlth.engine.settings import Settings, parse_settings
from mmlth.engine.transfer import Transfer

__all__ = [
    'LotteryError',
    'LotteryRunner',
    'RSTHook',
    'Settings',
    'Transfer',
    'base_lottery',
    'branch',
    'build_model',
    'parse_settings',
    'patch_runner',
    'read_config',
    'targets',
    'targets_table',
]
