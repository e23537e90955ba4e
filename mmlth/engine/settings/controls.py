"""Controls: what a ticket is compared with, trained as the ticket was but for one thing."""

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from mmlth.engine.errors import LotteryError
from mmlth.engine.registry import CONTROLS
from mmlth.pruning import Mask


@dataclass(frozen=True)
class Control:
    """How the training of a ticket is changed.

    Attributes:
        mask: Makes the mask; by default it is the ticket's.
        new_weights: Whether it starts from new random weights rather than from θ_k.
        new_order: Whether it sees the data in another order, with other augmentations.
        long_dense: Whether it is the dense model instead, trained as long as the whole search.
    """

    mask: Callable[[Mask, torch.Generator], Mask] | None = None
    new_weights: bool = False
    new_order: bool = False
    long_dense: bool = False


TRAINING_CONTROLS = {
    'reinit': Control(new_weights=True),
    'data_order': Control(new_order=True),
    'long_dense': Control(long_dense=True),
}
"""Those that keep the mask. The others are in the registry ``CONTROLS``."""


def control_names() -> list[str]:
    """What ``lottery.branch.control`` may be."""
    return sorted([*CONTROLS.module_dict, *TRAINING_CONTROLS])


def build_control(spec: str | Mapping[str, Any]) -> Control:
    """The control that ``lottery.branch.control`` names.

    Args:
        spec: A name, or a dict with the name as ``type`` and options of the control.

    Raises:
        LotteryError: On an unknown name or option.
    """
    options = {'type': spec} if isinstance(spec, str) else dict(spec)
    name = options.pop('type', None)
    if name not in control_names():
        raise LotteryError(
            f'lottery.branch.control must be one of {", ".join(control_names())}, got {name!r}'
        )
    if name in TRAINING_CONTROLS:
        known: list[str] = []
    else:
        known = list(inspect.signature(CONTROLS.get(name)).parameters)[2:]
    for key in options:
        if key not in known:
            raise LotteryError(
                f'the control {name!r} has no option {key!r}; it has {", ".join(known) or "none"}'
            )
    if name in TRAINING_CONTROLS:
        return TRAINING_CONTROLS[name]
    return Control(functools.partial(CONTROLS.get(name), **options))
