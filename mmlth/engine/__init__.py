"""The only place that knows MMEngine: hooks, the loop over rounds, checkpoint loading."""

from mmlth.engine.errors import LotteryError
from mmlth.engine.seam import install
from mmlth.engine.settings import Settings, parse_settings

__all__ = ['LotteryError', 'Settings', 'install', 'parse_settings']
