"""Threads for coding chunks; NumPy and Zstandard let them run side by side."""

import contextlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

_MOST = 8


@contextlib.contextmanager
def threads() -> Iterator[ThreadPoolExecutor]:
    """Starts as many threads as there are processors for this process, up to eight."""
    if hasattr(os, 'sched_getaffinity'):
        processors = len(os.sched_getaffinity(0))
    else:  # not Linux
        processors = os.cpu_count() or 1
    with ThreadPoolExecutor(min(_MOST, processors)) as pool:
        yield pool
