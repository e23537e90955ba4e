"""Settings of data loaders as MMEngine can build them."""

import copy
from typing import Any


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
