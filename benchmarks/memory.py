"""The peak of a process's memory as the kernel sees it."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any


def peak_memory(run: Callable[[], Any]) -> tuple[int, Any]:
    """Bytes by which the highest use during ``run`` exceeds that before it, and what it returns.

    The allocator's own figures would miss what sort, topk and kthvalue take from elsewhere.
    """
    Path('/proc/self/clear_refs').write_text('5')  # resets the peak
    before = _status('VmRSS')
    result = run()
    return _status('VmHWM') - before, result


def in_own_process(function: Callable[..., float], *arguments: object) -> float:
    """Calls ``function`` where no earlier call has left memory that it could use again.

    Set ``MALLOC_MMAP_THRESHOLD_`` to 2**20 first: what is freed then goes back to the system at
    once, where glibc would keep it and so hide what is needed next.
    """
    with ProcessPoolExecutor(1, mp_context=get_context('spawn')) as pool:
        return pool.submit(function, *arguments).result()


def _status(field: str) -> int:
    lines = Path('/proc/self/status').read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f'{field}:')) * 1024
