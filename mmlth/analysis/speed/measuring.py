"""Measures a network in all runtimes that are installed, all of them in one run."""

import contextlib
import importlib.util
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from mmlth.analysis.speed.contenders import CONTENDERS, Contender, Lane
from mmlth.analysis.speed.interleaving import interleave
from mmlth.analysis.speed.subject import Subject
from mmlth.engine.exporting import TOLERANCE, compare
from mmlth.messages import reason
from mmlth_common.packages import missing_package

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Timing:
    """What was measured of a contender at a number of threads.

    Attributes:
        contender: Its name.
        threads: How many threads it could use.
        milliseconds: How long each of its turns took; none where there is an error.
        difference: How far its outputs are from those of the network at most, as a share of their
            largest number; None where it computed none.
        error: Why there are no times; None if there are.
        note: A remark for tables.
        layers: What was chosen for each layer, as values of JSON.
    """

    contender: str
    threads: int
    milliseconds: tuple[float, ...] = ()
    difference: float | None = None
    error: str | None = None
    note: str = ''
    layers: tuple[dict[str, Any], ...] = field(default=(), repr=False)


def absent(contenders: Sequence[Contender] = CONTENDERS) -> dict[str, str]:
    """Why contenders cannot be measured: the sentence on the missing package, by name."""
    return {
        contender.name: missing_package(contender.package, contender.name)
        for contender in contenders
        if contender.package is not None and importlib.util.find_spec(contender.package) is None
    }


def measure(
    subject: Subject,
    threads: Sequence[int],
    rounds: int,
    contenders: Sequence[Contender] = CONTENDERS,
    progress: Progress = lambda _: None,
) -> list[Timing]:
    """Measures contenders in turns, at one number of threads after another.

    Args:
        subject: The network.
        threads: The numbers of threads.
        rounds: How many times each is measured.
        contenders: What is measured, by default all; what is not installed is left out.
        progress: Gets the name of each step before it begins.

    Returns:
        A timing of each, in the order of threads and contenders; an error in place of times of
        those that fail, or that compute something else than the network.
    """
    left_out = absent(contenders)
    present = [contender for contender in contenders if contender.name not in left_out]
    timings: list[Timing] = []
    for count in threads:
        with _threads(count):
            timings += _measured(subject, count, rounds, present, progress)
    return timings


def _measured(
    subject: Subject,
    threads: int,
    rounds: int,
    contenders: Sequence[Contender],
    progress: Progress,
) -> list[Timing]:
    """The timings at one number of threads."""
    where = f'{threads} {"thread" if threads == 1 else "threads"}'
    timings: dict[str, Timing] = {}
    turns: dict[str, Callable[[], float]] = {}
    with contextlib.ExitStack() as stack:
        for contender in contenders:
            name = contender.name
            progress(f'{where}: preparing {name}')
            try:
                lane = stack.enter_context(contender.open(subject, threads))
                timings[name] = _judged(name, threads, lane, subject)
            except Exception as error:  # whatever a runtime raises
                timings[name] = Timing(name, threads, error=reason(error))
                continue
            if timings[name].error is None:
                turns[name] = lane.seconds
        samples = interleave(
            turns, rounds, lambda number: progress(f'{where}: round {number + 1} of {rounds}')
        )
    for name in turns:
        milliseconds = tuple(1000 * seconds for seconds in samples.seconds.get(name, ()))
        problem = samples.failures.get(name)
        timings[name] = replace(timings[name], milliseconds=milliseconds, error=problem)
    return list(timings.values())


def _judged(name: str, threads: int, lane: Lane, subject: Subject) -> Timing:
    """A timing without times, and with an error if something else is computed."""
    difference = compare(lane.outputs, subject.expected)
    known = difference.relative if math.isfinite(difference.relative) else None
    problem = None
    if not difference.tolerable:
        problem = (
            'its outputs have other shapes, or numbers that are not finite'
            if known is None
            else f'its outputs differ by {known:.2g} of their largest number, more than '
            f'{TOLERANCE:g}'
        )
    return Timing(name, threads, (), known, problem, lane.note, tuple(lane.layers))


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
