"""A round of another length than its schedule, which it runs through faster or slower."""

import copy
import inspect
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from mmengine.config import Config
from mmengine.hooks import EarlyStoppingHook

from mmlth.engine.configs import type_name
from mmlth.engine.errors import LotteryError
from mmlth.engine.settings import RoundLength
from mmlth.engine.training.switches import hooks_of, move_switches

_PATIENCE = inspect.signature(EarlyStoppingHook).parameters['patience'].default


@dataclass(frozen=True)
class Pace:
    """Where in the schedule of a full training one of another length is.

    It leaves the schedule where it starts, and is at its end as it ends itself.

    Attributes:
        first: The iteration that it starts from, by which the schedule is as it is in full.
        end: The iteration that it ends at.
        full: The iteration that a full training ends at.
        epoch: The iterations of an epoch; those of a whole training, where it has no epochs.
        linear: Whether the learning rate is not the schedule's, but falls on a line to zero.
    """

    first: int
    end: int
    full: int
    epoch: int
    linear: bool = False

    def __str__(self) -> str:
        """What a training at this pace does, to be put after its name."""
        how = (
            'the learning rate falling on a line to zero'
            if self.linear
            else f'the schedule of {self.full - self.first} compressed to them'
            if self.share < 1
            else f'the schedule of {self.full - self.first} stretched to them'
        )
        return f'trains {self.end - self.first} iterations, {how}'

    @property
    def share(self) -> float:
        """How long it is, where a full training from the same start is 1."""
        return (self.end - self.first) / (self.full - self.first)

    def position(self, done: int) -> int:
        """How many iterations of the schedule are through.

        Args:
            done: How many iterations of the training are done, from ``first`` to ``end``.
        """
        passed = (min(done, self.end) - self.first) * (self.full - self.first)
        return self.first + passed // (self.end - self.first)

    def left(self, done: int) -> float:
        """The share of the training that is still to come, from 1 to 0.

        Args:
            done: How many of its iterations are done.
        """
        return max(0.0, (self.end - done) / (self.end - self.first))

    def moved(self, at: float) -> int:
        """When the training is where a full one is at an iteration, to the nearest one."""
        return round(at if at <= self.first else self.first + (at - self.first) * self.share)

    def moved_epoch(self, at: float) -> int:
        """When the training is where a full one is at an epoch, to the nearest one."""
        return round(self.moved(at * self.epoch) / self.epoch)


def find_pace(config: Config, length: RoundLength, first: int, epoch: int) -> Pace | None:
    """How a training of some length runs through the schedule of a config.

    It trains that share, which may be above 1, of the iterations that are left from where it
    starts, at least one. Where its loop counts epochs, it ends at the nearest end of an epoch.

    Args:
        config: The config of a full training.
        length: How long it trains.
        first: The iteration that it starts from.
        epoch: The iterations of an epoch.

    Returns:
        Its pace; None where it is a full training.

    Raises:
        LotteryError: If the length is counted in what the loop does not count, or the training is
            longer than its schedule, or the config does not say how long that is.
    """
    key = _length_key(config)
    unit = epoch if key == 'max_epochs' else 1
    full = int(config.train_cfg[key]) * unit
    if length.unit == 'share':
        wanted = length.amount * (full - first)
    else:
        wanted = length.amount * (epoch if length.unit == 'ep' else 1)
        _check_step(length, key, wanted, full - first, epoch)
    end = max(first // unit + 1, round((first + wanted) / unit)) * unit
    if end == full and not length.linear:
        return None
    if key == 'max_iters':
        epoch = full
    return Pace(first, end, full, epoch, length.linear)


def at_pace(config: Config, pace: Pace) -> Config:
    """The config of a training at a pace; its schedule is still that of a full one.

    A `PaceHook` runs through that. What is counted from the start, in the loop and in hooks that
    switch something, comes when the schedule is where a full training switches.

    Args:
        config: The config of a full training.
        pace: How the other one runs through its schedule.
    """
    config = copy.deepcopy(config)
    key = _length_key(config)
    epochs, full = key == 'max_epochs', int(config.train_cfg[key])
    for scheduler in _each(config.get('param_scheduler')):
        # MMEngine would fill in the end of the other training.
        if epochs == scheduler.get('by_epoch', True):
            scheduler.setdefault('end', full)
        elif epochs:
            scheduler.setdefault('end', pace.full)
    move_switches(
        config,
        epoch=pace.moved_epoch if epochs else lambda at: at,
        iteration=pace.moved,
        last=full if epochs else None,
    )
    config.train_cfg[key] = pace.end // pace.epoch if epochs else pace.end
    for hook in hooks_of(config):
        if type_name(hook) == 'EarlyStoppingHook':  # waits for validations, of which are fewer
            hook['patience'] = max(1, round(hook.get('patience', _PATIENCE) * pace.share))
    return config


def _length_key(config: Config) -> str:
    """The key of the training loop that says how long it is."""
    for key in ('max_epochs', 'max_iters'):
        if config.train_cfg.get(key) is not None:
            return key
    raise LotteryError(
        'rounds of another length need a training loop whose length the config gives, by '
        f'train_cfg.max_epochs or train_cfg.max_iters; got {", ".join(config.train_cfg)}'
    )


def _check_step(length: RoundLength, key: str, wanted: float, left: int, epoch: int) -> None:
    """Refuses a number of epochs or iterations that no round of the loop can train for."""
    start = f'lottery.round_length={length} '
    if key == 'max_epochs' and wanted % epoch:
        raise LotteryError(
            f'{start}ends inside an epoch of {epoch} iterations, while the loop trains whole ones; '
            f"give epochs, such as '{max(1, round(wanted / epoch))}ep', or a share"
        )
    if key == 'max_iters' and length.unit == 'ep':
        raise LotteryError(
            f"{start}counts epochs, but the loop has none; give iterations, such as '"
            f"{max(1, left // 4)}it', or a share"
        )
    if wanted > left:
        most = f'{left}it' if key == 'max_iters' else f'{left // epoch}ep'
        raise LotteryError(
            f'{start}is longer than the {left} iterations from where a round starts; give at most '
            f'{most!r}, or leave it out'
        )


def _each(schedulers: Any) -> Iterator[MutableMapping[str, Any]]:
    """The settings of each scheduler, be there one, a list, or a list for each optimizer."""
    if isinstance(schedulers, MutableMapping) and 'type' in schedulers:
        yield schedulers
    elif schedulers:
        for part in schedulers.values() if isinstance(schedulers, Mapping) else schedulers:
            yield from _each(part)
