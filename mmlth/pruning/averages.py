"""Averaged copies that a model holds of parts of itself, and of what their parameters are copies.

The key encoder of MoCo, the target network of BYOL and the teacher of a semi-supervised detector
follow another part of the model by a moving average and are not trained. They are no weights of
their own: they are never pruned by their own values, and not counted. But where a weight is pruned
its average is zero as well, from the start of a round on. An average that held the dense weights of
the rewind step would go on telling them for as long as its momentum takes to forget, and so would
the checkpoints that hold it.
"""

from collections.abc import Iterator

import torch
from torch import nn

from mmlth.pruning.deviations import LOG_DEVIATION

AVERAGED = ('BaseAveragedModel', 'AveragedModel')
"""Class names, subclasses included, of MMEngine's and torch's averages: ``module`` is the copy."""

TEACHERS = {'SemiBaseDetector': ('teacher', 'student'), 'CAE': ('teacher', 'backbone')}
"""The attributes that are copy and original, by class name, where others take the average."""

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


def averaged_copies(model: nn.Module) -> dict[str, str | None]:
    """Finds the averaged copies in a model.

    The original of a copy is the first module outside of copies that has its class and its
    parameters' names and shapes; that of a container which was made for the copy, such as
    ``nn.Sequential(backbone, neck)``, is looked up child by child.

    Args:
        model: Any model, masked or not.

    Returns:
        For the name of each parameter of a copy, the name of the one that it is the average of;
        None where the original is no part of the model.
    """
    copies = dict(_copies(model))
    if not copies:
        return {}
    originals = {
        path: module
        for path, module in model.named_modules(remove_duplicate=False)
        if not _within(path, copies)
    }
    originals_of: dict[str, str | None] = {}
    for path, original in copies.items():
        taken: set[str] = set()
        originals_of |= dict.fromkeys(_names(path, model.get_submodule(path)))
        for copy_path, copy in _parts(path, model.get_submodule(path), originals, original):
            source = original or _first_like(copy, originals, taken)
            if source is not None:
                taken.add(source)
                originals_of |= dict(
                    zip(_names(copy_path, copy), _names(source, originals[source]))
                )
    return originals_of


def count_parameters(model: nn.Module) -> int:
    """Number of parameters of the model, prunable or not.

    Averaged copies are not counted, nor the deviations of Gaussian weights.
    """
    averages = averaged_copies(model)
    return sum(
        parameter.numel()
        for name, parameter in model.named_parameters()
        if name not in averages and not name.endswith(LOG_DEVIATION)
    )


def _copies(model: nn.Module) -> Iterator[tuple[str, str | None]]:
    """The paths of the copies, each with that of its original where that is known."""
    for path, module in model.named_modules():
        names = {cls.__name__ for cls in type(module).__mro__}
        averages = path and names & set(AVERAGED)
        if averages and isinstance(getattr(module, 'module', None), nn.Module):
            yield f'{path}.module', None
        prefix = f'{path}.' if path else ''
        for copy, original in (TEACHERS[name] for name in names & TEACHERS.keys()):
            if _shapes(module.get_submodule(copy)) == _shapes(module.get_submodule(original)):
                yield f'{prefix}{copy}', f'{prefix}{original}'


def _parts(
    path: str, copy: nn.Module, originals: dict[str, nn.Module], original: str | None
) -> Iterator[tuple[str, nn.Module]]:
    """The copy, or of a container without an original like it, the parts of its children."""
    whole = original is not None or _first_like(copy, originals, set()) is not None
    if whole or not isinstance(copy, _CONTAINERS):
        yield path, copy
        return
    for name, child in copy.named_children():
        yield from _parts(f'{path}.{name}', child, originals, None)


def _first_like(copy: nn.Module, originals: dict[str, nn.Module], taken: set[str]) -> str | None:
    shapes = _shapes(copy)
    for path, module in originals.items():
        # A masked class goes by the name of its original.
        alike = type(module).__qualname__ == type(copy).__qualname__
        if alike and path not in taken and _shapes(module) == shapes:
            return path
    return None


def _shapes(module: nn.Module) -> list[tuple[str, torch.Size]]:
    # Means have averages, deviations have none.
    return [
        (name, parameter.shape)
        for name, parameter in module.named_parameters()
        if not name.endswith(LOG_DEVIATION)
    ]


def _names(path: str, module: nn.Module) -> list[str]:
    return [f'{path}.{name}' if path else name for name, _ in _shapes(module)]


def _within(path: str, copies: dict[str, str | None]) -> bool:
    return any(path == copy or path.startswith(f'{copy}.') for copy in copies)
