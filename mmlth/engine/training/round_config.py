"""The training of one round: an ordinary one, in a Runner of its own."""

import copy
import itertools
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config

from mmlth.engine.checkpoints import RESUME_SCHEME, START_SCHEME
from mmlth.engine.configs import plain_loader
from mmlth.engine.errors import LotteryError
from mmlth.engine.training.dashboards import name_runs

KEPT = 2
"""How many checkpoints are kept: should the last be damaged, the one before is there."""

_trainings = itertools.count()


@dataclass(frozen=True)
class Origin:
    """Where a round starts.

    Attributes:
        load_from: A path, or one of our schemes; None: new random weights, or those of the config.
        last: The checkpoint that the round continues from, if it was interrupted.
        full: Whether only weights are taken from one of our schemes, rather than all that is
            needed to continue from there.
    """

    load_from: str | None = None
    last: Path | None = None
    full: bool = False

    @property
    def resumed(self) -> bool:
        """Whether MMEngine continues a training, rather than begins one from weights."""
        ours = (self.load_from or '').startswith('mmlth-')
        return self.last is not None or (ours and not self.full)

    @property
    def loaded(self) -> str | None:
        """What MMEngine loads, by a scheme of ours where its own loader might refuse it."""
        if self.last is not None:
            return f'{RESUME_SCHEME}{self.last}'
        path = self.load_from
        if path is None or not Path(path).is_file() or path.endswith('.safetensors'):
            return path
        return f'{START_SCHEME}{path}'


def round_config(config: Config, work_dir: Path, seed: int, origin: Origin) -> Config:
    """The config of one round's training: the user's without ``lottery``, in its own folder.

    Args:
        config: The user's config.
        work_dir: The round's folder.
        seed: Seed of the search; every round sees the same data in the same order.
        origin: Where the round starts.

    Raises:
        LotteryError: If checkpoints are to be written into another folder.
    """
    config = bounded_checkpoints(copy.deepcopy(config))
    config.pop('lottery')
    for key in ('train_dataloader', 'val_dataloader'):
        if config.get(key):
            config[key] = plain_loader(config[key])
    config.experiment_name = experiment_name(config, work_dir)
    if isinstance(config.get('visualizer'), dict):
        config.visualizer.pop('name', None)
    name_runs(config, work_dir)
    config.work_dir = str(work_dir)
    config.randomness = {**(config.get('randomness') or {}), 'seed': seed}
    config.load_from, config.resume = origin.loaded, origin.resumed
    return config


def experiment_name(config: Config, work_dir: Path) -> str:
    """A name that no other Runner has: loggers, message hubs and visualizers are found by name.

    Args:
        config: The config of the training.
        work_dir: The folder that it writes into.
    """
    stem = Path(config.filename).stem if config.filename else 'search'
    return f'{stem}_{work_dir.name}_{next(_trainings)}'


def bounded_checkpoints(config: Config) -> Config:
    """Changes the CheckpointHook of a round's config so that the round can continue from it.

    Where the config does not say how many to keep, the newest two are kept, for a search is many
    trainings on one disk. Two is also the least: MMEngine deletes the oldest before it writes the
    newest. Optimizer and schedules are always saved.

    Raises:
        LotteryError: If it writes into another folder than the round's.
    """
    # In place, since copies of configs of the newer style are no such configs any more.
    if config.get('default_hooks') is None:
        config.default_hooks = {}
    hooks = config.default_hooks
    if 'checkpoint' not in hooks:
        hooks['checkpoint'] = {'type': 'CheckpointHook', 'interval': 1}
    hook = hooks['checkpoint']
    if hook is None:
        return config
    if hook.get('out_dir') is not None:
        raise LotteryError(
            f'default_hooks.checkpoint.out_dir={hook["out_dir"]!r}, but a round continues from '
            'the checkpoints in its own folder; remove out_dir, or set work_dir '
            '(--work-dir)'
        )
    if 0 <= hook.get('max_keep_ckpts', 0) < KEPT:  # -1 keeps them all
        hook['max_keep_ckpts'] = KEPT
    hook.update(save_optimizer=True, save_param_scheduler=True)
    return config
