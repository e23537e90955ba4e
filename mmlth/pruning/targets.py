"""Which weights may be pruned."""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from torch import Tensor, nn

from mmlth.pruning.predictors import is_predictor

PRUNABLE_MODULES = (
    '_ConvNd',  # every convolution and transposed convolution of torch, and what derives from it
    'Linear',
    'MultiheadAttention',
    'DeformConv2d',
    'ModulatedDeformConv2d',
)
"""Module types (by class name, subclasses included) whose weights are pruned by default."""

PRUNABLE_PARAMETERS = (
    'weight',
    'in_proj_weight',
    'q_proj_weight',
    'k_proj_weight',
    'v_proj_weight',
)
"""Their prunable parameters; the last four are those of `nn.MultiheadAttention`."""


TRAINING_ONLY = ('loss_module', 'distill_losses')
"""Attributes that hold learned losses (RLE's flow, distillation): no part of the network."""


class TargetError(ValueError):
    """No weights, or a pattern without weights."""


@dataclass(frozen=True)
class Target:
    """A prunable parameter: its name, the class of the module that owns it, and its tensor."""

    name: str
    module_type: str
    parameter: Tensor

    @property
    def numel(self) -> int:
        """Number of weights."""
        return self.parameter.numel()


@dataclass(frozen=True)
class _Candidate:
    names: tuple[str, ...]  # more than one where modules share the parameter
    types: tuple[str, ...]  # class names of the owner, most derived first
    parameter: nn.Parameter
    predictor: bool


def find_targets(
    model: nn.Module,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    predictors: bool = False,
    frozen: bool = False,
) -> list[Target]:
    """Chooses the weights that may be pruned, in the order of ``model.named_parameters()``.

    A pattern is a whole parameter name (``backbone.conv1.weight``), a part of its dotted path
    (``backbone``, ``roi_head.bbox_head``, ``layer*.0.conv1``) or a module type (``Conv2d``, with
    all that derives from it); each may hold the wildcards of the shell.

    Args:
        model: The model. Weights are those of `PRUNABLE_MODULES`.
        include: Patterns; only what matches one may be pruned. Empty: everything.
        exclude: Patterns; what matches one is never pruned.
        predictors: Whether the final predictors (see `mmlth.pruning.predictors`) may be pruned.
        frozen: Whether weights that are not trained may be pruned.

    Raises:
        TargetError: If a pattern matches no weight of the model, or nothing is left to prune.
    """
    candidates = list(_candidates(model))
    for pattern in (*include, *exclude):
        if not any(_matches(pattern, candidate) for candidate in candidates):
            raise TargetError(_no_match(pattern, candidates))
    targets = [
        Target(candidate.names[0], candidate.types[0], candidate.parameter)
        for candidate in candidates
        if (not include or any(_matches(pattern, candidate) for pattern in include))
        and not any(_matches(pattern, candidate) for pattern in exclude)
        and (predictors or not candidate.predictor)
        and (frozen or candidate.parameter.requires_grad)
    ]
    if not targets:
        raise TargetError(
            f'the model has no prunable weights: of its {len(candidates)} convolutions and linear '
            f'layers, include={list(include)}, exclude={list(exclude)}, predictors={predictors} '
            f'and frozen={frozen} leave none'
        )
    return targets


def _candidates(model: nn.Module) -> Iterator[_Candidate]:
    modules = dict(model.named_modules())
    names: dict[int, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), []).append(name)
    for name, parameter in model.named_parameters():
        path, _, attribute = name.rpartition('.')
        owner = modules[path]
        types = tuple(cls.__name__ for cls in type(owner).__mro__)
        if attribute not in PRUNABLE_PARAMETERS or parameter.dim() < 2:
            continue
        if not set(types) & set(PRUNABLE_MODULES) or set(path.split('.')) & set(TRAINING_ONLY):
            continue
        shared = names[id(parameter)]
        predictor = any(is_predictor(alias, _ancestors(modules, alias)) for alias in shared)
        yield _Candidate(tuple(shared), types, parameter, predictor)


def _ancestors(modules: dict[str, nn.Module], name: str) -> list[tuple[str, nn.Module]]:
    parts = name.split('.')[:-1]
    return [
        (path, modules[path])
        for i in range(len(parts) + 1)
        if (path := '.'.join(parts[:i])) in modules
    ]


def _matches(pattern: str, candidate: _Candidate) -> bool:
    return any(fnmatchcase(name, pattern) for name in candidate.types) or any(
        _matches_path(pattern, name) for name in candidate.names
    )


def _matches_path(pattern: str, name: str) -> bool:
    wanted, parts = pattern.split('.'), name.split('.')
    return fnmatchcase(name, pattern) or any(
        all(fnmatchcase(part, want) for part, want in zip(parts[start:], wanted))
        for start in range(len(parts) - len(wanted) + 1)
    )


def _no_match(pattern: str, candidates: Sequence[_Candidate]) -> str:
    known = {part for c in candidates for name in c.names for part in _subpaths(name)}
    types = {name for c in candidates for name in c.types} - {'object', 'Module'}
    nearest = difflib.get_close_matches(pattern, sorted(known | types), n=3, cutoff=0.5)
    roots = sorted({c.names[0].split('.')[0] for c in candidates})
    hint = (
        f'nearest: {", ".join(nearest)}' if nearest else f'the model consists of {", ".join(roots)}'
    )
    return (
        f'the pattern {pattern!r} in lottery.targets matches no weight of the model; {hint} '
        f'(module types: {", ".join(sorted({c.types[0] for c in candidates}))})'
    )


def _subpaths(name: str) -> set[str]:
    parts = name.split('.')
    return {'.'.join(parts[:i]) for i in range(1, len(parts) + 1)} | set(parts)
