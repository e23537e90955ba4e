"""The page of results, in Markdown."""

import os
import platform
from collections.abc import Sequence
from importlib import metadata

from outcomes import Outcome, failed, rows

_HEAD = """\
# Killed anywhere, nothing lost

A search that is interrupted at any moment and continued with `--resume` ends with the same tickets,
byte for byte, as one that nothing disturbed: on one machine and stack, where training itself is
deterministic, as it is on a CPU. This page is written by

```sh
{command}
```

which injects real faults into real processes. It searches with the demo's Mask R-CNN, made tiny:
16 pictures, {rounds} rounds of 2 epochs, checkpoints every second iteration, a validation and
perhaps a best checkpoint after each epoch. Several kills in succession hit the same search until it
is finished; then the SHA-256 of each ticket is compared with that of the undisturbed search. A file
counts as broken if a checkpoint, ticket, rewind file or search.json cannot be read to its end when
the process is gone, or if the process did not end as it should: with a line that says what is full,
which checkpoint was passed over; a job of two processes within a minute.

{verdict}

| fault | times | the process ended by | files broken | tickets that differ |
|---|---:|---|---:|---:|
"""

_TAIL = """
Run on {machine}.

## How it holds

- Checkpoints, tickets, the rewind file and search.json are written under another name, synced to
  disk and then renamed: they are whole or not there. What a killed process leaves half-written is
  deleted when the search continues.
- A round continues from its newest checkpoint whose parts agree with their checksums; one that does
  not is named in the log and passed over. Two are kept unless the config says otherwise.
- A checkpoint holds, beside what MMEngine stores, the random number generators, the position within
  the epoch, gradients that are being accumulated, and whether the validation was through.
- SIGTERM and SIGUSR1 end the search after the iteration, with a checkpoint and exit code 75.
- A full disk ends it with exit code 1 and a line that says so.

What else users of such tools ran into, and what happens here, is in [situations.md](situations.md).

## What is not shown

- Power cuts: the files are synced, but no power was cut.
- GPUs: where a kernel is not deterministic, two undisturbed searches differ as well. Nor AMP, or
  workers that load data: augmentations drawn there depend on their number.
- Signals that come before the search begins, while packages are imported, end the process as they
  end any other; nothing is lost, but the exit code is not 75.
- Network file systems, which may rename and lock otherwise than a local disk.
- Damage to other files than checkpoints. A damaged search.json, ticket or rewind file is an error
  that names it.

## Where each was hit

Times count from the start of the process, operations from its first below the work_dir.

"""


def page(outcomes: Sequence[Outcome], command: str, rounds: int) -> str:
    """The page.

    Args:
        outcomes: What came of each fault.
        command: Prints it again.
        rounds: The number of rounds of each search, the dense one included.
    """
    lost = sum(failed(outcome) for outcome in outcomes)
    verdict = f'Of {len(outcomes)} faults, {lost or "none"} lost anything.'
    text = _HEAD.format(command=command, rounds=rounds, verdict=verdict)
    for row in rows(outcomes):
        text += f'| {row.fault} | {row.times} | {row.ended} | {row.broken} | {row.differing} |\n'
    text += _TAIL.format(machine=machine())
    for fault in dict.fromkeys(outcome.fault for outcome in outcomes):
        points = [f'`{o.point}`' for o in outcomes if o.fault == fault and o.point]
        text += f'- {fault}: {", ".join(points)}\n' if points else ''
    return text


def machine() -> str:
    """The machine and the versions that matter, in words."""
    packages = ('torch', 'mmengine', 'mmdet', 'onedl-mmengine', 'onedl-mmdetection')
    installed = {dist.metadata['Name'].lower(): dist.version for dist in metadata.distributions()}
    versions = [f'{name} {installed[name]}' for name in packages if name in installed]
    python = f'Python {platform.python_version()}'
    return f'{platform.system()}, {os.cpu_count()} CPU cores, {", ".join([python, *versions])}'
