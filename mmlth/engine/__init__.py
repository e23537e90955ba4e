"""The only place that knows MMEngine: hooks, the loop over rounds, checkpoint loading."""

from mmengine.config import DictAction

from mmlth.engine.api import branch, search, targets, targets_table
from mmlth.engine.errors import LotteryError
from mmlth.engine.hooks.rst_hook import RSTHook
from mmlth.engine.reading import build_model, read_config
from mmlth.engine.seam import install
from mmlth.engine.settings import Settings, parse_settings
from mmlth.engine.target_table import target_table
from mmlth.engine.transfer import Transfer, transfer

__all__ = [
    'DictAction',
    'LotteryError',
    'RSTHook',
    'Settings',
    'Transfer',
    'branch',
    'build_model',
    'install',
    'parse_settings',
    'read_config',
    'search',
    'target_table',
    'targets',
    'targets_table',
    'transfer',
]
