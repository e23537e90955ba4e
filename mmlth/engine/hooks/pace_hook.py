"""Runs through the schedule of a full training in one of another length."""

from typing import Any

from mmengine.hooks import ParamSchedulerHook
from mmengine.runner import Runner

from mmlth.engine.errors import LotteryError
from mmlth.engine.hooks.optimizers import optim_wrappers
from mmlth.engine.training import Pace


class PaceHook(ParamSchedulerHook):
    """Steps the schedulers as a full training would, but more often or less.

    So schedulers of every kind give what they would in full at the same place, to the last bit, and
    continue from the state of any iteration of a full training. What waits for validations that do
    not get better (ReduceOnPlateau) waits for fewer or more, in proportion to the length.

    Args:
        pace: How the training runs through the schedule. Where it is linear, schedulers of the
            learning rate rest, and it falls from its maximum to zero; others, as of momentum, run.
    """

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self._patience: list[tuple[int, int]] = []

    def before_run(self, runner: Runner) -> None:
        # Now, since a state that is loaded may be of a full training or of this one.
        share = self.pace.share
        self._patience = [
            (round(scheduler.patience * share), round(scheduler.cooldown * share))
            for scheduler in _waiting(runner)
        ]

    def before_train(self, runner: Runner) -> None:
        for scheduler, (patience, cooldown) in zip(_waiting(runner), self._patience):
            scheduler.patience, scheduler.cooldown = patience, cooldown
        if self.pace.linear:
            for group in _groups(runner):
                group.setdefault('initial_lr', group['lr'])  # no scheduler did
            self._decay(runner, runner.iter)

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        done, pace = runner.iter + 1, self.pace
        steps = range(pace.position(done - 1) + 1, pace.position(done) + 1)
        schedulers = [each for each in _schedulers(runner) if not self._rests(each)]
        for step in steps:
            for scheduler in schedulers:
                if not scheduler.by_epoch:
                    scheduler.step()
            if step % pace.epoch == 0:
                for scheduler in schedulers:
                    if scheduler.by_epoch:
                        scheduler.step()
        if pace.linear:
            self._decay(runner, done)

    def after_train_epoch(self, runner: Runner) -> None:
        """Epochs of the schedule end within those of the training, and were counted there."""

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        for scheduler in _waiting(runner) if metrics is not None else ():
            if not self._rests(scheduler):
                scheduler.step(metrics)

    def _rests(self, scheduler: Any) -> bool:
        return self.pace.linear and scheduler.param_name == 'lr'

    def _decay(self, runner: Runner, done: int) -> None:
        left = self.pace.left(done)
        for group in _groups(runner):
            group['lr'] = group.get('max_lr', group['initial_lr']) * left  # the former: OneCycle's


def pace_schedule(runner: Runner, pace: Pace) -> None:
    """Has a Runner run through its schedule at another pace.

    Args:
        runner: The Runner of the training, before it trains.
        pace: How it runs through the schedule.

    Raises:
        LotteryError: If it steps its schedulers by a hook of another kind than MMEngine's.
    """
    check_schedule_hook(runner)
    hook = PaceHook(pace)
    for index, other in enumerate(runner._hooks):
        if isinstance(other, ParamSchedulerHook):
            hook.priority = other.priority
            runner._hooks[index] = hook
            return
    if pace.linear:  # else nothing steps, in full neither
        runner.register_hook(hook)


def check_schedule_hook(runner: Runner) -> None:
    """Refuses a Runner whose schedulers are stepped by a hook that no pace can stand for.

    Raises:
        LotteryError: Naming the hook.
    """
    for hook in runner.hooks:
        if isinstance(hook, ParamSchedulerHook) and type(hook) is not ParamSchedulerHook:
            raise LotteryError(
                'rounds of another length step schedulers in place of the ParamSchedulerHook, but '
                f'default_hooks.param_scheduler is a {type(hook).__name__}; leave one of them out'
            )


def _schedulers(runner: Runner) -> list[Any]:
    schedulers = runner.param_schedulers or []
    if isinstance(schedulers, dict):
        return [scheduler for group in schedulers.values() for scheduler in group]
    return list(schedulers)


def _waiting(runner: Runner) -> list[Any]:
    return [each for each in _schedulers(runner) if getattr(each, 'need_val_args', False)]


def _groups(runner: Runner) -> list[dict[str, Any]]:
    """The parameter groups, and the one of MMEngine that stands for the base learning rate."""
    return [group for each in optim_wrappers(runner.optim_wrapper) for group in each.param_groups]
