"""A search for processes of their own: a model without batch norm, and a hook that watches.

The config file imports this module. The environment says what happens:
``PLAIN_LOG``: a folder where each process notes its masks, and what it writes below work_dir.
``PLAIN_DIE``: ``RANK:ROUND:ITERATION`` before which a process kills itself.
``PLAIN_SIGNAL``: the same, but it sends SIGTERM to all processes of its group, as Slurm does.
``PLAIN_SLEEP``: seconds that each iteration takes longer.
``PLAIN_NUMBERS``: searches write their numbers alone, as those in the tests' own process.
"""

import os
import signal
import sys
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.registry import HOOKS, MODELS
from pages import numbers_only
from repository import ROOT
from torch import nn
from toy import toy_config

import mmlth


def plain_config(folder: Path, batch: int = 2, iterations: bool = False, **changes: Any) -> Path:
    """Writes a config file of a search by ``batch`` images a process; its work_dir lies beside.

    The processes are seeded differently.
    """
    folder.mkdir(exist_ok=True)
    config = toy_config(folder / 'work', iterations)
    config.pop('experiment_name')
    config.custom_imports.imports.append('plain')
    config.model = {'type': 'PlainModel'}
    config.custom_hooks = [{'type': 'Watch'}]
    config.randomness.diff_rank_seed = True
    config.train_dataloader.batch_size = batch
    config.train_dataloader.dataset.augment = False
    checkpoint = {'type': 'CheckpointHook', 'interval': 2, 'by_epoch': False, 'max_keep_ckpts': 3}
    config.default_hooks.checkpoint = checkpoint
    config.merge_from_dict(changes)
    path = folder / 'plain_config.py'
    config.dump(path)
    return path


def plain_environment(**variables: Any) -> dict[str, str]:
    """The environment of a process that runs such a config; this environment's Python is first."""
    path = {
        'PATH': f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}',
        'PYTHONPATH': os.pathsep.join([str(ROOT), str(ROOT / 'tests')]),
        'OMP_NUM_THREADS': '1',
        'PLAIN_NUMBERS': '1',
    }
    # The tests may run inside a Slurm job themselves.
    outer = {k: v for k, v in os.environ.items() if not k.startswith(('SLURM_', 'SBATCH_'))}
    return {**outer, **path, **{key: str(value) for key, value in variables.items()}}


def tickets(folder: Path) -> list[bytes]:
    """The bytes of the tickets of the search whose config lies in ``folder``."""
    return [path.read_bytes() for path in sorted(folder.glob('work/tickets/*'))]


@MODELS.register_module(force=True)
class PlainModel(BaseModel):
    """Convolutions and a linear layer; nothing that depends on the share of a batch it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.second = nn.Conv2d(8, 8, 3, padding=1)
        self.fc = nn.Linear(8, 2)

    def forward(self, inputs: Any, data_samples: Any = None, mode: str = 'tensor') -> Any:
        images = torch.stack(list(inputs)) if isinstance(inputs, (list, tuple)) else inputs
        features = self.second(self.first(images).relu()).relu()
        logits = self.fc(features.mean((2, 3)))
        if mode == 'loss':
            return {'loss': nn.functional.cross_entropy(logits, torch.as_tensor(data_samples))}
        if mode == 'tensor':
            return logits
        return [(int(g.argmax()), int(t)) for g, t in zip(logits, data_samples)]


@HOOKS.register_module(force=True)
class Watch(Hook):
    """Notes the mask of each round and process; kills or slows the process where told to."""

    def before_train(self, runner: Any) -> None:
        model = getattr(runner.model, 'module', runner.model)
        mask = mmlth.attached_mask(model) or {}
        digest = sha256(b''.join(kept.numpy().tobytes() for kept in mask.values())).hexdigest()
        _note('masks', f'{Path(runner.work_dir).name} {digest}')
        _note('seeds', str(torch.initial_seed()))

    def after_train(self, runner: Any) -> None:
        weights = [weight.detach().numpy().tobytes() for weight in runner.model.parameters()]
        _note('weights', f'{len(weights)} {sha256(b"".join(weights)).hexdigest()}')

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None) -> None:
        time.sleep(float(os.environ.get('PLAIN_SLEEP', '0')))
        place = f'{runner.rank}:{Path(runner.work_dir).name}:{runner.iter}'
        if place == os.environ.get('PLAIN_DIE'):
            os.kill(os.getpid(), signal.SIGKILL)
        if place == os.environ.get('PLAIN_SIGNAL'):
            os.killpg(0, signal.SIGTERM)


def _note(what: str, line: str) -> None:
    if 'PLAIN_LOG' in os.environ:
        with Path(os.environ['PLAIN_LOG'], f'{what}_{os.environ["RANK"]}').open('a') as file:
            file.write(line + '\n')


def _notice(event: str, arguments: tuple[Any, ...]) -> None:
    """Notes which files this process changes. (Folders are made by every process of MMEngine.)"""
    opened = event == 'open' and isinstance(arguments[1], str) and set(arguments[1]) & set('wax+')
    if opened or event in ('os.rename', 'os.remove', 'shutil.rmtree'):
        path = str(arguments[0])
        if '/work/' in path:
            _note('writes', path)


if 'PLAIN_LOG' in os.environ:
    sys.addaudithook(_notice)
if 'PLAIN_NUMBERS' in os.environ:
    without_pages = numbers_only()  # until the process ends, so it is kept
    without_pages.__enter__()
