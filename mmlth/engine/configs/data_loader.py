"""Settings of data loaders as MMEngine can build them."""

import copy
from typing import Any

from mmlth.engine.configs.parts import type_name

_MIXING = ('Mosaic', 'RandomAffine', 'MixUp')
"""What MMDetection's YOLOXModeSwitchHook leaves out by default."""


def plain_loader(loader: Any) -> Any:
    """A copy of a data loader's settings without a scope that its function would be told.

    MMEngine adds it to what is inherited from ``mmpretrain::…``, then passes it on to a function
    that does not know it.

    Args:
        loader: The settings of a data loader, such as ``config.train_dataloader``.
    """
    loader = copy.deepcopy(loader)
    if isinstance(loader.get('collate_fn'), dict):
        loader['collate_fn'].pop('_scope_', None)
    return loader


def last_train_dataloader(config: Any) -> Any:
    """The settings of the training data as they are when training ends.

    Hooks of MMDetection and MMPose switch to other pipelines for the last epochs. Running
    statistics of a trained model are those of these.

    Args:
        config: The config of the training; None where it has no training data.
    """
    loader = copy.deepcopy(config.get('train_dataloader'))
    if loader is None:
        return None
    epochs = (config.get('train_cfg') or {}).get('max_epochs')
    for hook in config.get('custom_hooks') or []:
        kind = type_name(hook)
        if kind == 'PipelineSwitchHook' and epochs is not None and hook['switch_epoch'] < epochs:
            loader['dataset']['pipeline'] = hook['switch_pipeline']
        elif kind == 'YOLOXModeSwitchHook' and hook.get('num_last_epochs', 15) > 0:
            loader['dataset']['skip_type_keys'] = hook.get('skip_type_keys', _MIXING)
        elif kind == 'YOLOXPoseModeSwitchHook' and hook.get('num_last_epochs', 20) > 0:
            if hook.get('new_train_dataset') is not None:
                loader['dataset'] = copy.deepcopy(hook['new_train_dataset'])
            if hook.get('new_train_pipeline') is not None:
                loader['dataset']['pipeline'] = hook['new_train_pipeline']
    return loader
