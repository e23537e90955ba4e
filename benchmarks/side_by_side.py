"""Measuring alternatives side by side, so that a busy machine is unfair to none of them."""

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from rich.progress import track

CLOCKS = {'wall': time.perf_counter, 'CPU': time.process_time}
"""The time that a user waits, and the work: other processes disturb the second far less."""

Samples = dict[str, dict[str, list[float]]]
"""Seconds by clock and alternative."""


def measure(
    alternatives: Mapping[str, Callable[[], Callable[[], Any]]],
    repeats: int,
    synchronize: Callable[[], None] = lambda: None,
) -> Samples:
    """Runs every alternative ``repeats`` times, in turns.

    Args:
        alternatives: What prepares one run, untimed, and returns it, by name.
        repeats: Number of rounds; every second one goes backwards, since what runs right after
            what may matter.
        synchronize: Waits for a device that works on its own.
    """
    samples: Samples = {clock: {name: [] for name in alternatives} for clock in CLOCKS}
    for repeat in track(range(repeats), 'Measuring', transient=True, refresh_per_second=1):
        for name in list(alternatives)[:: 1 if repeat % 2 == 0 else -1]:
            run = alternatives[name]()
            synchronize()
            started = {clock: now() for clock, now in CLOCKS.items()}
            run()
            synchronize()
            for clock, now in CLOCKS.items():
                samples[clock][name].append(now() - started[clock])
    return samples


def ratio(numerator: list[float], denominator: list[float]) -> tuple[float, float, float]:
    """The median of the ratios of neighbouring runs, and its 95 % bootstrap interval."""
    ratios = np.array(numerator) / np.array(denominator)
    draws = np.random.default_rng(0).choice(ratios, (10_000, len(ratios)))
    low, high = np.quantile(np.median(draws, axis=1), [0.025, 0.975])
    return statistics.median(ratios), float(low), float(high)


def surroundings() -> str:
    """What the figures depend on: machine, its load, versions."""
    load = ', '.join(f'{average:.1f}' for average in os.getloadavg())
    return (
        f'{os.cpu_count()} cores ({platform.machine()}), torch on {torch.get_num_threads()} '
        f'threads, load over 1, 5 and 15 minutes: {load}; '
        f'Python {platform.python_version()}, torch {torch.__version__}, NumPy {np.__version__}'
    )
