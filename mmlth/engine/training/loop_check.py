"""Whether rounds can train by a training loop: MMEngine's contract leaves much to its author."""

import math
import numbers
from typing import Any

from mmengine.runner import Runner

from mmlth.engine.errors import LotteryError
from mmlth.engine.training.length import training_loop

_READ = ('iter', 'epoch', 'max_iters', 'max_epochs')
"""What MMEngine's Runner reads of a training loop, for its hooks."""


def check_loop(runner: Runner) -> None:
    """Refuses a training loop that no round could continue or rewind by.

    Args:
        runner: A Runner before its training; the loop is built if it is not yet.

    Raises:
        LotteryError: If it trains for no iteration, lacks a counter, has no end, or counts
            elsewhere than where MMEngine resumes it.
    """
    loop = training_loop(runner)
    name = type(loop).__name__
    if missing := [attribute for attribute in _READ if not hasattr(loop, attribute)]:
        raise LotteryError(
            f'the training loop {name} has no {", ".join(missing)}, which the Runner and its hooks '
            'read; add it to the loop as an attribute or a property'
        )
    if not isinstance(loop.max_iters, numbers.Real) or not math.isfinite(loop.max_iters):
        raise LotteryError(
            f'the training loop {name} has max_iters={loop.max_iters!r}; rounds are of one length, '
            'so give it the number of its iterations'
        )
    if not _is_resumed(loop):
        raise LotteryError(
            f'the training loop {name} does not count its iterations in _iter, where MMEngine '
            'resumes a training, so that no round can rewind or continue; let its property iter '
            'return self._iter'
        )


def _is_resumed(loop: Any) -> bool:
    """Whether its counter is what MMEngine sets where it resumes; it is left as it was."""
    before = loop.iter
    try:
        loop._iter = -1
    except AttributeError:  # a property that cannot be set
        return False
    follows = bool(loop.iter == -1)
    loop._iter = before
    return follows
