"""A search that takes seconds, run by one process after the other and looked at from outside."""

import gc
import hashlib
import itertools
import json
import os
import random
import shutil
import signal
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

import victim

from mmlth.data import make_shapes
from mmlth.ticket import TicketError, load_rewind_weights, load_ticket

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / 'configs/lth/mask_rcnn/mask_rcnn_tiny_shapes_imp.py'
ROUNDS = 3
"""The dense one included."""

# Narrow layers and small pictures. Checkpoints fall within epochs, at their ends and at step k.
_TINY = """
train_dataloader.batch_size=4 val_dataloader.batch_size=2
train_cfg.max_epochs=2 train_cfg.val_interval=1 param_scheduler.1.end=2 param_scheduler.1.T_max=2
default_hooks.checkpoint.interval=2 default_hooks.checkpoint.by_epoch=False
default_hooks.checkpoint.save_best=coco/bbox_mAP
model.backbone.base_channels=4 model.backbone.stem_channels=4
model.neck.in_channels=4,8,16,32 model.neck.out_channels=8
model.rpn_head.in_channels=8 model.rpn_head.feat_channels=8
model.roi_head.bbox_roi_extractor.out_channels=8 model.roi_head.mask_roi_extractor.out_channels=8
model.roi_head.bbox_head.in_channels=8 model.roi_head.bbox_head.fc_out_channels=16
model.roi_head.mask_head.in_channels=8 model.roi_head.mask_head.conv_out_channels=8
model.train_cfg.rpn_proposal.max_per_img=20 model.test_cfg.rcnn.max_per_img=5
"""

# Each run is a process forked from one that has imported the packages, which takes longer than the
# whole search.
_FORK = get_context('forkserver')
_FORK.set_forkserver_preload(
    [
        *('mmdet.models', 'mmdet.datasets', 'mmdet.engine', 'mmdet.evaluation'),
        *('mmdet.visualization', 'mmlth_cli.main'),
    ]
)
_PATIENCE = 300.0
"""Seconds after which a process counts as hanging."""


def make_data(folder: Path) -> Path:
    """Makes the pictures that the searches train on, and returns their folder."""
    make_shapes(folder, 16, 4, (64, 64), 0)
    return folder


def search_arguments(data: Path, work_dir: Path) -> list[str]:
    """The arguments of ``mmlth train`` for a search that takes seconds, or for its continuation."""
    roots = [f'{key}data_root={data}/' for key in ('', *_DATASETS)]
    tiny = [*_TINY.split(), *roots, f'val_evaluator.ann_file={data}/annotations/val.json']
    given = [str(CONFIG), '--work-dir', str(work_dir), '--resume', '--rounds', str(ROUNDS - 1)]
    return [*given, '--cfg-options', *tiny]


_DATASETS = ('train_dataloader.dataset.', 'val_dataloader.dataset.')


class Run:
    """A process that searches, and the log that it writes."""

    def __init__(self, arguments: list[str], log: Path) -> None:
        self.log = log
        self._start = log.stat().st_size if log.exists() else 0
        self.process = _FORK.Process(target=_search, args=(arguments, log))
        self.process.start()

    def end(self, after: float | None = None, number: int = signal.SIGKILL) -> int:
        """Waits for the end, which a signal may ask for; returns the exit code.

        Args:
            after: Seconds from now, unless the process ends before by itself.
            number: The signal.
        """
        if after is not None:
            self.process.join(after)
            if self.process.is_alive() and self.process.pid:
                os.kill(self.process.pid, number)
        self.process.join(_PATIENCE)
        if self.process.exitcode is None:
            self.process.kill()
            raise RuntimeError(f'a process hangs, {_PATIENCE:.0f} s; see {self.log}')
        return self.process.exitcode

    def text(self) -> str:
        """What the process has printed."""
        return self.log.read_bytes()[self._start :].decode(errors='replace')


def _warm_up() -> None:
    """Imports the packages, so that no later process has to."""
    process = _FORK.Process(target=int)
    process.start()
    process.join()


def _search(arguments: list[str], log: Path) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    gc.freeze()  # what was imported is no garbage; each round would look for some in it
    raise SystemExit(victim.main(arguments))


@dataclass
class Search:
    """A search that goes on with each run, wherever its folder has been moved.

    Attributes:
        data: The folder of the pictures.
        folder: Holds the work_dir.
        log: What all runs print.
        moves: How often the work_dir has been moved.
    """

    data: Path
    folder: Path
    log: Path
    moves: int = 0

    @property
    def work_dir(self) -> Path:
        """Where the search is now."""
        return self.folder / f'at_{self.moves}'

    def move(self) -> None:
        """Moves the work_dir to another path."""
        before = self.work_dir
        self.moves += 1
        if before.exists():
            before.rename(self.work_dir)

    def start(self, *options: str) -> Run:
        """Starts a run: the first, or one that resumes.

        Args:
            options: How it is to die; see victim.py.
        """
        return Run([*options, '--', *search_arguments(self.data, self.work_dir)], self.log)

    def left(self) -> float:
        """The share of the rounds that are not done."""
        return 1 - len(tickets(self.work_dir)) / ROUNDS


@dataclass
class Bench:
    """What faults are injected into, and what the results are compared with.

    Attributes:
        folder: Where searches run.
        random: Decides when and where.
        tell: Shows a line of progress.
        data: The folder of the pictures.
        reference: SHA-256 of the tickets of a search that nothing disturbed.
        seconds: How long that took.
        changes: Its operations on files, as victim.py lists them.
        sizes: The bytes of the files that it left, by name.
    """

    folder: Path
    random: random.Random
    tell: Callable[[str], None]
    data: Path = field(init=False)
    reference: dict[str, str] = field(init=False)
    seconds: float = field(init=False)
    changes: list[str] = field(init=False)
    sizes: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        os.environ.update(OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='')
        _warm_up()
        self._names = itertools.count()
        self.data = make_data(self.folder / 'data')
        search, listed = self.new_search(), self.folder / 'changes.json'
        started = time.monotonic()
        run = search.start('--list-events', str(listed))
        if run.end() != 0:
            raise RuntimeError(f'the undisturbed search failed:\n{run.text()[-2000:]}')
        self.seconds = time.monotonic() - started
        self.reference = tickets(search.work_dir)
        self.changes = json.loads(listed.read_text())
        files = [path for path in search.work_dir.rglob('*') if path.is_file()]
        self.sizes = {str(p.relative_to(search.work_dir)): p.stat().st_size for p in files}
        self.tell(
            f'undisturbed: {self.seconds:.0f} s, {len(self.reference)} tickets, '
            f'{len(self.changes)} operations on files, {sum(self.sizes.values()) / 1e6:.1f} MB'
        )

    def new_search(self, folder: Path | None = None) -> Search:
        """A search that has not begun, by default in a folder of its own."""
        name = f'search_{next(self._names)}'
        folder = folder or self.folder / name
        folder.mkdir(exist_ok=True)
        return Search(self.data, folder, self.folder / f'{name}.log')

    def close(self, search: Search) -> int:
        """Deletes a search that is over; returns the number of tickets that differ."""
        result = differing(self.reference, tickets(search.work_dir))
        if not result:
            shutil.rmtree(search.work_dir)
        return result


def tickets(work_dir: Path) -> dict[str, str]:
    """SHA-256 of the tickets of a search, by file name."""
    paths = sorted(work_dir.glob('tickets/round_*.safetensors'))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def differing(reference: dict[str, str], actual: dict[str, str]) -> int:
    """Number of tickets that differ, are missing or should not be there."""
    return sum(reference.get(name) != actual.get(name) for name in reference.keys() | actual.keys())


def broken_files(work_dir: Path) -> list[str]:
    """The files of a search that cannot be read to the end, whatever stopped it."""
    return [str(p.relative_to(work_dir)) for p in _of_search(work_dir) if not _reads(p)]


def _of_search(work_dir: Path) -> Iterator[Path]:
    yield from work_dir.glob('round_*/[!.]*.pth')
    yield from work_dir.glob('tickets/[!.]*.safetensors')
    yield from work_dir.glob('[!.]*.safetensors')
    yield from work_dir.glob('search.json')


def _reads(path: Path) -> bool:
    try:
        if path.suffix == '.pth':
            with zipfile.ZipFile(path) as file:
                return file.testzip() is None
        elif path.suffix == '.json':
            json.loads(path.read_bytes())
        elif path.parent.name == 'tickets':
            load_ticket(path).state_dict()
        else:
            load_rewind_weights(path)
    except (ValueError, OSError, zipfile.BadZipFile, TicketError):
        return False
    return True
