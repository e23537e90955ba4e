"""Which weights may be pruned."""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from torch import Tensor, nn

from mmlth.pruning.averages import averaged_copies
from mmlth.pruning.predictors import is_predictor
from mmlth.pruning.scopes import ROLES, Scope, is_shortcut, read_scope, role_of

PRUNABLE_MODULES = (
    '_ConvNd',  # every convolution and transposed convolution of torch, and what derives from it
    'Linear',
    'MultiheadAttention',
    'DeformConv2d',
    'ModulatedDeformConv2d',
    'TridentConv',
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


COMPUTED_WEIGHTS = ('ConvWS2d', 'ConvAWS2d')
"""Module types whose forward pass shifts their weights, so that a zero does not stay zero.

mmcv's weight standardization and what derives from it (``SAConv2d``). They stay dense, as do layers
under `torch.nn.utils.parametrize`, ``weight_norm`` and ``spectral_norm``.
"""

TRAINING_ONLY = ('loss_module', 'distill_losses', 'target_generator')
"""Attributes that hold learned losses (RLE's flow, distillation) or what a loss compares with (the
tokenizer of BEiT): no part of the network.
"""


COMPUTED = 'the layer computes its weight from it'
OUT_OF_SCOPE = 'out of targets.scope'
PREDICTOR = 'final predictor'
NOT_TRAINED = 'not trained'
NOT_INCLUDED = 'not in targets.include'
EXCLUDED = 'in targets.exclude'
UNKNOWN = 'no known layer type'
LOSS_ONLY = 'of the training loss'
"""Why a parameter of two dimensions or more stays dense."""


class TargetError(ValueError):
    """No weights, or a pattern without weights."""


@dataclass(frozen=True)
class Target:
    """A prunable parameter: its name, the class of its owner, its tensor, and its role."""

    name: str
    module_type: str
    parameter: Tensor
    role: str = 'other'  # see `mmlth.pruning.scopes`

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
    computed: bool  # the forward pass computes its weight from the parameter
    role: str  # see `mmlth.pruning.scopes`
    stem: bool  # the first layer of a backbone

    @property
    def target(self) -> Target:
        return Target(self.names[0], self.types[0], self.parameter, self.role)


@dataclass(frozen=True)
class _Choice:
    """What `find_targets` was asked for."""

    include: tuple[str, ...]
    exclude: tuple[str, ...]
    predictors: bool
    frozen: bool
    scope: Scope

    @property
    def with_predictors(self) -> bool:
        return self.predictors or self.scope.predictors

    @property
    def with_frozen(self) -> bool:
        return self.frozen or self.scope.frozen

    def names(self, candidate: _Candidate) -> bool:
        """Whether ``include`` names the class of a layer of one's own, or one that it derives from.

        By its whole name: wildcards that are meant for convolutions would match embeddings, too.
        """
        types = set(candidate.types) - {'Module', 'object'}
        return bool(types & set(self.include)) and not _is_of_the_loss(candidate.names[0])

    def reason(self, candidate: _Candidate) -> str | None:
        """Why a weight stays dense; None if it may be pruned."""
        if candidate.computed:
            return COMPUTED
        if not _in_scope(candidate, self.scope):
            return OUT_OF_SCOPE
        if candidate.predictor and not self.with_predictors:
            return PREDICTOR
        if not candidate.parameter.requires_grad and not self.with_frozen:
            return NOT_TRAINED
        if self.include and not any(_matches(pattern, candidate) for pattern in self.include):
            return NOT_INCLUDED
        if any(_matches(pattern, candidate) for pattern in self.exclude):
            return EXCLUDED
        return None


@dataclass(frozen=True)
class _Use:
    types: tuple[str, ...]
    computed: bool


def find_targets(
    model: nn.Module,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    predictors: bool = False,
    frozen: bool = False,
    scope: str = 'all',
) -> list[Target]:
    """Chooses the weights that may be pruned, in the order of ``model.named_parameters()``.

    A pattern is a whole parameter name (``backbone.conv1.weight``), a part of its dotted path
    (``backbone``, ``roi_head.bbox_head``, ``layer*.0.conv1``) or a module type (``Conv2d``, with
    all that derives from it); each may hold the wildcards of the shell.

    Args:
        model: The model. Weights are those of `PRUNABLE_MODULES`, and parameters of two dimensions
            or more of other modules whose class ``include`` names, without wildcards.
        include: Patterns; only what matches one may be pruned. Empty: everything.
        exclude: Patterns; what matches one is never pruned.
        predictors: Whether the final predictors (see `mmlth.pruning.predictors`) may be pruned.
        frozen: Whether weights that are not trained may be pruned.
        scope: The roles that may be pruned, or a named choice; see
            `mmlth.pruning.scopes.read_scope`. What it switches on is on whatever ``predictors``
            and ``frozen`` say; patterns choose within it.

    Raises:
        TargetError: If a pattern matches no weight of the model, if one of ``include`` matches only
            weights that cannot be pruned, if a layer has no weights yet, if the model lacks a role
            or has nothing to prune in it, or if nothing is left.
        ValueError: If the scope has an unknown word.
    """
    choice = _Choice(tuple(include), tuple(exclude), predictors, frozen, read_scope(scope))
    candidates = _chosen_candidates(model, choice)
    for pattern in (*include, *exclude):
        matched = [candidate for candidate in candidates if _matches(pattern, candidate)]
        if not matched:
            others = [each for each in _other_candidates(model) if _matches(pattern, each)]
            why = _other_kind(pattern, others, pattern in include)
            raise TargetError(why or _no_match(pattern, candidates))
        if pattern in include and all(candidate.computed for candidate in matched):
            raise TargetError(
                f'the pattern {pattern!r} in lottery.targets.include matches only layers that '
                f'cannot be pruned ({matched[0].names[0]} of a {matched[0].types[0]}): they '
                'standardize or parametrize their weights, so that a pruned one would not be zero '
                'in the forward pass; leave it out'
            )
    reasons = [choice.reason(candidate) for candidate in candidates]
    within = [
        candidate
        for candidate, reason in zip(candidates, reasons)
        if reason in (None, NOT_INCLUDED, EXCLUDED)
    ]
    _check_roles(choice.scope, candidates, {candidate.role for candidate in within})
    targets = [c.target for c, reason in zip(candidates, reasons) if reason is None]
    if not targets:
        raise TargetError(
            f'the model has no prunable weights: of its {len(candidates)} convolutions and linear '
            f'layers, scope={scope!r}, include={list(include)}, exclude={list(exclude)}, '
            f'predictors={choice.with_predictors} and frozen={choice.with_frozen} leave none'
        )
    return targets


def left_dense(
    model: nn.Module,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    predictors: bool = False,
    frozen: bool = False,
    scope: str = 'all',
) -> dict[str, list[Target]]:
    """The parameters of two dimensions or more that `find_targets` leaves out, by the reason why.

    Args:
        model: The model; this and the other arguments are as `find_targets` has them.
        include: Patterns.
        exclude: Patterns.
        predictors: Whether final predictors may be pruned.
        frozen: Whether weights that are not trained may be pruned.
        scope: The roles that may be pruned.
    """
    choice = _Choice(tuple(include), tuple(exclude), predictors, frozen, read_scope(scope))
    groups: dict[str, list[Target]] = {}
    for candidate in _chosen_candidates(model, choice):
        if reason := choice.reason(candidate):
            groups.setdefault(reason, []).append(candidate.target)
    for candidate in _other_candidates(model):
        if not choice.names(candidate):
            groups.setdefault(_why_other(candidate), []).append(candidate.target)
    return groups


def computed_weights(model: nn.Module) -> list[Target]:
    """Weights of prunable kinds that stay dense, since a pruned one would not be zero in use.

    The forward pass computes the layer's weight from them: `COMPUTED_WEIGHTS`, parametrizations.
    """
    return [candidate.target for candidate in _candidates(model) if candidate.computed]


def _in_scope(candidate: _Candidate, scope: Scope) -> bool:
    return (
        (candidate.role in scope.roles or (scope.all_predictors and candidate.predictor))
        and (candidate.predictor or not scope.only_predictors)
        and (scope.shortcuts or not any(is_shortcut(name) for name in candidate.names))
        and (scope.stem or not candidate.stem)
    )


def _check_roles(scope: Scope, candidates: Sequence[_Candidate], left: set[str]) -> None:
    """Refuses a scope that names a role of which there is nothing to prune."""
    has = {candidate.role for candidate in candidates}
    for role in scope.named:
        if role not in has:
            raise TargetError(
                f'lottery.targets: {scope.text!r} asks for the role {role}, which the model lacks; '
                f'it has {", ".join(known for known in ROLES if known in has)}'
            )
        if role in left:
            continue
        ours = [candidate for candidate in candidates if candidate.role == role]
        if all(candidate.computed for candidate in ours):
            why = 'standardizes or parametrizes all of its weights; leave it out'
        elif all(candidate.predictor for candidate in ours if not candidate.computed):
            why = f"has final predictors only; '{scope.text}+predictors' prunes them"
        elif scope.frozen:
            why = 'has none but its first layer'
        else:
            why = 'is frozen; targets=dict(scope=…, frozen=True) prunes it nevertheless'
        raise TargetError(f'lottery.targets: {scope.text!r} leaves nothing of {role}, which {why}')
    has_predictors = {candidate.role for candidate in candidates if candidate.predictor}
    asked = set(ROLES if scope.all_predictors else scope.roles)
    if scope.predictors and not has_predictors & asked:
        where = ', '.join(role for role in ROLES if role in has_predictors) or 'no role'
        raise TargetError(
            f'lottery.targets: {scope.text!r} asks for final predictors where there are none; '
            f'this model has them in {where}'
        )


def _chosen_candidates(model: nn.Module, choice: _Choice) -> list[_Candidate]:
    """What may be pruned by its kind, in the order of ``model.named_parameters()``."""
    candidates = list(_candidates(model))
    if choice.include:
        named = [each for each in _other_candidates(model) if choice.names(each)]
        order = {name: place for place, (name, _) in enumerate(model.named_parameters())}
        candidates = sorted(candidates + named, key=lambda each: order[each.names[0]])
    return candidates


def _other_candidates(model: nn.Module) -> Iterator[_Candidate]:
    """Parameters of two dimensions or more of layers whose kind is not known to be prunable."""
    modules, averages = dict(model.named_modules()), averaged_copies(model)
    known = {id(candidate.parameter) for candidate in _candidates(model)}
    for name, parameter in model.named_parameters():
        if isinstance(parameter, nn.UninitializedParameter) or parameter.dim() < 2:
            continue
        if id(parameter) in known or name in averages:
            continue
        owner, attribute = _owner(modules, name)
        types = tuple(cls.__name__ for cls in type(owner).__mro__)
        if set(types) & set(PRUNABLE_MODULES) and not _is_of_the_loss(name):
            continue  # a scale or a bias of a layer whose weight is known
        weight = attribute.removesuffix('_g')  # one of the two that weight_norm makes of a weight
        computed = weight not in owner._parameters and (
            weight in vars(owner) or hasattr(type(owner), weight)
        )
        predictor = is_predictor(name, _ancestors(modules, name))
        role = role_of(name, _ancestors(modules, name))[0]
        yield _Candidate((name,), types, parameter, predictor, computed, role, False)


def _candidates(model: nn.Module) -> Iterator[_Candidate]:
    modules = dict(model.named_modules())
    owners = dict(model.named_modules(remove_duplicate=False))
    names: dict[int, list[str]] = {}
    backbones: set[str] = set()  # whose first layer has come
    for name, parameter in model.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), []).append(name)
    averages = averaged_copies(model)
    for name, parameter in model.named_parameters():
        if name in averages:
            continue  # pruned where its original is
        shared = names[id(parameter)]
        # A language head may come after the embedding whose weight it shares.
        uses = [use for alias in shared if (use := _use(owners, alias))]
        if not uses:
            continue
        if isinstance(parameter, nn.UninitializedParameter):
            raise TargetError(
                f'{name} of a {uses[0].types[0]} has no weights before its first forward pass, so '
                'none can be chosen; use the class without Lazy, which is given its input size'
            )
        if parameter.dim() < 2:
            continue
        predictor = any(is_predictor(alias, _ancestors(modules, alias)) for alias in shared)
        computed = any(use.computed for use in uses)
        role, path = role_of(name, _ancestors(modules, name))
        stem = role == 'backbone' and path not in backbones
        if stem:
            backbones.add(path)
        yield _Candidate(tuple(shared), uses[0].types, parameter, predictor, computed, role, stem)


def _use(owners: dict[str, nn.Module], name: str) -> _Use | None:
    """What the parameter is to the layer that uses it; None: no weight of a prunable kind."""
    owner, attribute = _owner(owners, name)
    types = tuple(cls.__name__ for cls in type(owner).__mro__)
    if attribute not in PRUNABLE_PARAMETERS or _is_of_the_loss(name):
        return None
    if not set(types) & set(PRUNABLE_MODULES):
        return None
    computed = attribute not in owner._parameters or bool(set(types) & set(COMPUTED_WEIGHTS))
    return _Use(types, computed)


def _owner(owners: dict[str, nn.Module], name: str) -> tuple[nn.Module, str]:
    """The layer that uses a parameter, and by what name: that of the weight it computes from it."""
    path, _, attribute = name.rpartition('.')
    layer, parametrized, rest = f'.{path}'.rpartition('.parametrizations.')
    if parametrized:
        return owners[layer[1:]], rest
    owner = owners[path]
    weight = attribute.removesuffix('_orig').removesuffix('_v')  # spectral_norm, weight_norm
    return owner, weight if weight in vars(owner) else attribute


def _is_of_the_loss(name: str) -> bool:
    return bool(set(name.split('.')[:-1]) & set(TRAINING_ONLY))


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


def _why_other(candidate: _Candidate) -> str:
    """Why a parameter stays dense that is no weight of a kind known to be prunable."""
    if _is_of_the_loss(candidate.names[0]):
        return LOSS_ONLY
    return COMPUTED if candidate.computed else UNKNOWN


def _other_kind(pattern: str, others: Sequence[_Candidate], included: bool) -> str:
    """Why a pattern chooses nothing though the model has such parameters; empty if it has none."""
    if not others:
        return ''
    first = next((each for each in others if _why_other(each) == UNKNOWN), others[0])
    what = f'({first.names[0]} of a {first.types[0]})'
    if not included or _why_other(first) != UNKNOWN:
        return (
            f'the pattern {pattern!r} in lottery.targets matches only parameters that stay dense '
            f'in any case {what}: {_why_other(first)}; leave it out'
        )
    return (
        f'the pattern {pattern!r} in lottery.targets.include matches only layers of a kind that '
        f'is not known to be prunable {what}; name the class, as in '
        f"include=['Conv2d', 'Linear', {first.types[0]!r}]"
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
