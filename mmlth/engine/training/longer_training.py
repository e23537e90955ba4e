"""A longer training whose schedule is stretched with it."""

import copy
from typing import Any

from mmengine.config import Config

from mmlth.engine.configs import type_name
from mmlth.engine.training.switches import move_switches

_LENGTHS = ('max_epochs', 'max_iters')
_WARMUPS = ('LinearLR', 'ConstantLR', 'LinearMomentum', 'ConstantMomentum')
_STEPS = ('end', 'T_max', 'step_size', 'total_steps')
_LISTS = ('milestones', 'periods')


def scale_schedule(config: Config, factor: float) -> Config:
    """The config of a training ``factor`` times as long, with as many steps of its schedule.

    Everything that is counted in epochs or iterations from the start grows with the training, but
    for warm-ups: schedulers that begin at 0 and rise linearly or are constant. Where a scheduler
    begins as a warm-up ends, or earlier, its beginning stays. What `move_switches` moves
    comes later in proportion; hooks that count from the end (``num_last_epochs``) are left.

    Args:
        config: The config of the training.
        factor: How many times as long it trains, at least 1.
    """
    config = copy.deepcopy(config)
    loop = config.train_cfg

    def moved(at: int) -> int:
        return round(at * factor)

    move_switches(config, epoch=moved, iteration=moved)
    for key in _LENGTHS:
        if loop.get(key) is not None:
            loop[key] = max(1, round(loop[key] * factor))
    config.param_scheduler = _schedulers(config.get('param_scheduler'), factor)
    return config


def _schedulers(schedulers: Any, factor: float) -> Any:
    if schedulers is None:
        return None
    if isinstance(schedulers, dict) and 'type' not in schedulers:  # one list an optimizer
        return {key: _schedulers(value, factor) for key, value in schedulers.items()}
    items = [schedulers] if isinstance(schedulers, dict) else list(schedulers)
    ends = [item.get('end') for item in items if _is_warmup(item)]
    warm = max((end for end in ends if end is not None), default=0)
    return [item if _is_warmup(item) else _longer(item, factor, warm) for item in items]


def _longer(item: Any, factor: float, warm: float) -> Any:
    changed = copy.deepcopy(item)
    begin = item.get('begin', 0)
    if begin > warm:
        changed['begin'] = round(begin * factor)
    for key in _STEPS:
        if isinstance(item.get(key), int):
            changed[key] = round(item[key] * factor)
    if isinstance(item.get('T_max'), int) and item.get('end') == begin + item['T_max']:
        changed['T_max'] = changed['end'] - changed.get('begin', 0)
    for key in _LISTS:
        if item.get(key):
            changed[key] = [round(at * factor) for at in item[key]]
    return changed


def _is_warmup(item: Any) -> bool:
    return type_name(item) in _WARMUPS and item.get('begin', 0) == 0
