"""Kills and signals at random points of searches, which then continue."""

import os
import re
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from outcomes import Outcome
from searches import ROUNDS, Bench, Run, Search, broken_files

KILLS = ('killed at a random time', 'killed before a file operation', 'killed within a write')
SIGNALS = ('SIGTERM', 'SIGUSR1')
MOVED = 'work_dir moved before it continued'

# The exit codes that each fault should lead to. What reaches the limit of a file's size is killed
# by SIGXFSZ.
_ENDS = {
    KILLS[0]: {-signal.SIGKILL: 'SIGKILL'},
    KILLS[1]: {-signal.SIGKILL: 'SIGKILL'},
    KILLS[2]: {-signal.SIGXFSZ: 'SIGXFSZ'},
    **{name: {os.EX_TEMPFAIL: f'exit {os.EX_TEMPFAIL}'} for name in SIGNALS},
}


@dataclass(frozen=True)
class Aim:
    """Where a fault is to strike: after some time, or by options of victim.py."""

    point: str
    options: tuple[str, ...] = ()
    seconds: float | None = None
    number: int = signal.SIGKILL


def interrupted(bench: Bench, faults: Sequence[str]) -> Iterator[Outcome]:
    """Injects faults in succession into one search, until it is finished, then into the next.

    Every other time the work_dir is moved before the search continues.

    Args:
        bench: What to inject them into.
        faults: Some of `KILLS` and `SIGNALS`.

    Yields:
        The outcomes of a search's faults, once it is finished.
    """
    outcomes: list[Outcome] = []
    search, done, runs = bench.new_search(), 0, 0
    while done < len(faults) or outcomes:
        if outcomes and runs % 2:
            search.move()
            outcomes.append(Outcome(MOVED, '', 'continued'))
        fault = faults[done] if done < len(faults) and search.left() else None
        code, point = _strike(bench, search, fault)
        runs += 1
        if fault and code != 0:  # else it was finished before the fault came
            done += 1
            ended = _ENDS[fault].get(code, f'exit {code}')
            unexpected = [] if code in _ENDS[fault] else [f'{ended}; see {search.log}']
            outcomes.append(
                Outcome(fault, point, ended, broken_files(search.work_dir) + unexpected)
            )
            bench.tell(f'{done} of {len(faults)}: {fault}, {point}: {ended}')
            continue
        if code != 0:
            bench.tell(f'exit {code} where the search should continue; see {search.log}')
        differing = bench.close(search)
        bench.tell(f'finished after {runs} runs: {differing} of {ROUNDS} tickets differ')
        for outcome in outcomes:
            outcome.differing = differing
            yield outcome
        search, outcomes, runs = bench.new_search(), [], 0


def _strike(bench: Bench, search: Search, fault: str | None) -> tuple[int, str]:
    """Runs a search until a fault ends it, or it is finished; returns exit code and point."""
    aim = _aim(bench, search, fault)
    run = search.start(*aim.options)
    if fault in SIGNALS:
        _wait_for(search.work_dir / '.lock', run)
    code = run.end(aim.seconds, aim.number)
    struck = re.search(r'killed just (before .*)', run.text())
    return code, _unstamped(struck[1]) if struck else aim.point


def _aim(bench: Bench, search: Search, fault: str | None) -> Aim:
    if fault == KILLS[1]:
        number = bench.random.randint(1, max(1, round(len(bench.changes) * search.left())))
        return Aim(f'operation {number}', ('--die-at-event', str(number)))
    if fault == KILLS[2]:
        name = bench.random.choice(_to_be_written(bench, search.work_dir))
        byte = bench.random.randrange(bench.sizes[name])
        folder, _, file = name.rpartition('/')
        path = re.escape(f'{folder}/' if folder else '') + r'\.?' + re.escape(file)
        options = ('--die-at-byte', str(byte), '--matching', f'open {path}')
        return Aim(f'byte {byte} of {name}', options)
    if fault:
        seconds = bench.random.uniform(0, bench.seconds * search.left())
        number = signal.SIGKILL if fault == KILLS[0] else signal.Signals[fault]
        return Aim(f'after {seconds:.1f} s', seconds=seconds, number=number)
    return Aim('')


def _to_be_written(bench: Bench, work_dir: Path) -> list[str]:
    """The files that a search has not written yet, or writes again."""
    names = [name for name in bench.sizes if re.search(r'\.(pth|safetensors)$|^report/', name)]
    again = [name for name in bench.sizes if re.search(r'last_checkpoint$|search\.json$', name)]
    return [name for name in names if not (work_dir / name).exists()] + again


def _wait_for(path: Path, run: Run) -> None:
    """Waits until a search begins: before, signals end the process as they end any."""
    while run.process.is_alive() and not path.exists():
        time.sleep(0.02)


def _unstamped(change: str) -> str:
    """An operation without what is different each time: temporary names, hours of the day."""
    change = re.sub(r'\.(\S+?(\.\w+)?)\.[a-z0-9_]{8}(?(2)\2)', r'\1', change)
    return re.sub(r'\d{8}_\d{6}', 'TIME', change)
