"""The weights of a model that ``lottery`` lets a search prune."""

from collections.abc import Sequence
from dataclasses import asdict

from torch import nn

from mmlth.engine.errors import LotteryError
from mmlth.engine.masking.target_table import target_table
from mmlth.engine.settings import Settings, build_pattern
from mmlth.pruning import Target, TargetError, find_targets, left_dense, transposed_weights
from mmlth.pruning.patterns import outward


def choose_targets(model: nn.Module, settings: Settings) -> list[Target]:
    """The weights of a model that ``lottery.targets`` chooses; puts the model in training mode.

    Those that ``lottery.pattern`` does not fit are left out.

    Raises:
        LotteryError: If a pattern matches no weight, a role is missing, or none is left to prune.
    """
    found = _candidates(model, settings)
    fit = fitting(settings, model, found)
    if not fit:
        raise LotteryError(
            f'lottery.pattern={settings.pattern!r} fits none of the {len(found)} weights that may '
            'be pruned; choose another pattern or other targets'
        )
    return fit


def table_of_targets(model: nn.Module, settings: Settings) -> str:
    """What `choose_targets` chooses, and what it leaves out, as plain text; errors as there."""
    chosen = choose_targets(model, settings)
    names = {target.name for target in chosen}
    misfits = [target for target in _candidates(model, settings) if target.name not in names]
    return target_table(model, chosen, misfits, left_dense(model, **asdict(settings.targets)))


def _candidates(model: nn.Module, settings: Settings) -> list[Target]:
    model.train()  # some backbones freeze their first stages only here
    chosen = settings.targets
    try:
        return find_targets(model, **asdict(chosen))
    except TargetError as error:
        raise LotteryError(str(error)) from error


def fitting(settings: Settings, model: nn.Module, targets: Sequence[Target]) -> list[Target]:
    """Those of the weights that ``lottery.pattern`` can prune."""
    fits = getattr(build_pattern(settings.pattern), 'fits', None)
    if fits is None:
        return list(targets)
    transposed = transposed_weights(model, [target.name for target in targets])
    turned = outward({target.name: target.parameter for target in targets}, transposed)
    return [target for target in targets if fits(tuple(turned[target.name].shape))]
