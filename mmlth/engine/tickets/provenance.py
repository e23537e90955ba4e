"""What a ticket holds of where it comes from.

Neither times nor paths of the run: equal trainings give equal files.
"""

import hashlib
import json
from importlib import metadata
from typing import Any

import mmengine
import torch
from mmengine.runner import Runner

from mmlth.engine.checkpoints import plain_metainfo
from mmlth.engine.configs import result_affecting_config, type_name
from mmlth.engine.models import bare_model
from mmlth.pruning import Mask, count_parameters
from mmlth_common.version import __version__


def loading_info(runner: Runner) -> dict[str, Any]:
    """What a ticket must say of itself so that `checkpoint_of` is as good as a checkpoint."""
    versions = getattr(bare_model(runner).state_dict(), '_metadata', {})
    return {
        'dataset_meta': plain_metainfo(getattr(runner.train_dataloader.dataset, 'metainfo', None)),
        'module_versions': {name: each.get('version') for name, each in versions.items()},
    }


_DISTRIBUTIONS = {
    'mmcv': ('mmcv', 'mmcv-lite', 'onedl-mmcv'),
    'mmdet': ('mmdet', 'onedl-mmdetection'),
    'mmpose': ('mmpose', 'onedl-mmpose'),
    'mmseg': ('mmsegmentation', 'onedl-mmsegmentation'),
    'mmpretrain': ('mmpretrain', 'onedl-mmpretrain'),
}


_OWN_HOOKS = ('MaskHook', 'TicketSaver')


def counts(mask: Mask, parameters: int) -> dict[str, Any]:
    """How sparse a model of so many parameters is under a mask.

    Args:
        mask: The mask, over all that may be pruned.
        parameters: Number of parameters of the model, prunable or not.
    """
    return {
        'prunable': mask.total,
        'kept': mask.kept,
        'parameters': parameters,
        'sparsity': mask.sparsity,
        'network_sparsity': mask.network_sparsity(parameters),
    }


def provenance(
    mask: Mask, parameters: int, seed: int | None, config: dict[str, Any]
) -> dict[str, Any]:
    """What tickets of searches and of other trainings hold alike.

    Args:
        mask: The mask that was trained under.
        parameters: Number of parameters of the model, prunable or not.
        seed: Seed of the training; None of several.
        config: Its settings, as `result_affecting_config` gives them.
    """
    text = json.dumps(config, sort_keys=True)
    return {
        **counts(mask, parameters),
        'seed': seed,
        'config': config,
        'config_sha256': hashlib.sha256(text.encode()).hexdigest(),
        'versions': _versions(),
    }


def training_provenance(runner: Runner, mask: Mask) -> dict[str, Any]:
    """The provenance of a training that belongs to no search.

    Args:
        runner: The Runner of the training.
        mask: The mask that was trained under.
    """
    config = result_affecting_config(runner.cfg, {})
    del config['lottery']
    if isinstance(hooks := config.get('custom_hooks'), list):
        # They say where the mask lies, which the ticket holds itself.
        config['custom_hooks'] = [hook for hook in hooks if type_name(hook) not in _OWN_HOOKS]
    return provenance(mask, count_parameters(bare_model(runner)), runner.seed, config)


def _versions() -> dict[str, str]:
    versions = {package: _version(names) for package, names in _DISTRIBUTIONS.items()}
    return {
        'mmlth': __version__,
        'torch': torch.__version__,
        'mmengine': mmengine.__version__,
        **{package: version for package, version in versions.items() if version},
    }


def _version(names: tuple[str, ...]) -> str | None:
    for name in names:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return None
