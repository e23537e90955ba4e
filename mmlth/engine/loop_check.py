"""Whether rounds can train by a training loop: MMEngine's contract leaves much to its author."""

from typing import Any

from mmengine.runner import Runner

from mmlth.engine.errors import LotteryError

_READ = ('iter', 'epoch', 'max_iters', 'max_epochs')
"""What MMEngine's Runner reads of a training loop, for its hooks."""


def check_loop(runner: Runner) -> None:
    """Refuses a training loop that no round could continue or rewind by.

    Args:
        runner: A Runner before its training; the loop is built if it is not yet.

    Raises:
        LotteryError: If it lacks a counter, or counts elsewhere than where MMEngine resumes it.
    """
    loop: Any = runner.train_loop
    name = type(loop).__name__
    if missing := [attribute for attribute in _READ if not hasattr(loop, attribute)]:
        raise LotteryError(
            f'the training loop {name} has no {", ".join(missing)}, which the Runner and its hooks '
            'read; add it to the loop as an attribute or a property'
        )
    before = vars(loop).get('_iter')
    loop._iter = -1  # as MMEngine sets it where it resumes
    follows = loop.iter == -1
    loop._iter = before
    if not follows:
        raise LotteryError(
            f'the training loop {name} does not count its iterations in _iter, where MMEngine '
            'resumes a training, so that no round can rewind or continue; let its property iter '
            'return self._iter'
        )
