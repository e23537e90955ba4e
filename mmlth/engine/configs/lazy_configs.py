"""What configs of MMEngine's newer style may not hold, in one line.

MMEngine reads their ``import`` statements without importing: it remembers the names, which stand
for classes in the config. Whoever calls such a name gets a RuntimeError without a text.
"""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FunctionType, ModuleType
from typing import Any

from mmengine.config import Config, lazy

from mmlth.engine.errors import LotteryError


@contextmanager
def explaining_lazy_configs(what: str) -> Iterator[None]:
    """Turns the error of a config that calls what it imports into one line that names the place.

    Args:
        what: What the message calls the config.

    Raises:
        LotteryError: Instead of such an error; others pass.
    """
    try:
        yield
    except RuntimeError as error:
        frames = traceback.extract_tb(error.__traceback__)
        if len(frames) < 2 or frames[-1].filename != lazy.__file__:
            raise
        caller = frames[-2]
        raise LotteryError(
            f'{what} cannot be read: {caller.filename}, line {caller.lineno}, calls a name that it '
            f'imports ({caller.line}), but MMEngine imports nothing while it reads configs of the '
            "newer style; call it by __import__('MODULE') instead"
        ) from error


def without_modules(cfg: Any) -> Any:
    """The config without modules and functions of its file, as MMEngine reads older styles.

    In the newer style it keeps them, and then fails to copy or to dump the config.
    """
    values = dict.items(cfg._cfg_dict if isinstance(cfg, Config) else cfg)  # builds nothing lazy
    dropped = [key for key, value in values if isinstance(value, (ModuleType, FunctionType))]
    if dropped:
        cfg = cfg.copy()
        for key in dropped:
            cfg.pop(key)
    return cfg
