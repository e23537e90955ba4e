"""Which prunable weights a training left as they were, whatever says that they are trained."""

import hashlib
from collections.abc import Iterable, Mapping

from torch import nn

from mmlth.ticket import as_uint


def fingerprints(model: nn.Module, names: Iterable[str]) -> dict[str, str]:
    """A short hash of each of some parameters, by name.

    Args:
        model: The model.
        names: The names of the parameters.
    """
    return {
        name: hashlib.sha256(as_uint(model.get_parameter(name)).tobytes()).hexdigest()[:16]
        for name in names
    }


def unmoved(model: nn.Module, before: Mapping[str, str]) -> list[str]:
    """The parameters that are bit for bit as they were.

    A hook may have frozen them, their learning rate may be 0, or the model does not use them.

    Args:
        model: The model after a training.
        before: What `fingerprints` gave before it.
    """
    now = fingerprints(model, before)
    return [name for name, digest in before.items() if now[name] == digest]
