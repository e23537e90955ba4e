"""The weights of a model that ``lottery`` lets a search prune."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from torch import nn

from mmlth.engine.errors import LotteryError
from mmlth.engine.masking.target_table import target_table
from mmlth.engine.settings import Settings, build_pattern
from mmlth.pruning import Target, TargetError, find_targets, left_dense, transposed_weights
from mmlth.pruning.patterns import outward


@dataclass(frozen=True)
class TargetChoice:
    """Which weights of a model may be pruned.

    Attributes:
        targets: The weights that ``lottery.targets`` chooses and ``lottery.pattern`` fits.
        misfits: The weights that it chooses, but that the pattern does not fit.
    """

    targets: list[Target]
    misfits: list[Target]


def split_targets(model: nn.Module, settings: Settings) -> TargetChoice:
    """The weights that ``lottery`` chooses, and the misfits; puts the model in training mode.

    Args:
        model: The model.
        settings: The ``lottery`` key.

    Raises:
        LotteryError: If a pattern matches no weight, a role is missing, or none is left to prune.
    """
    model.train()  # some backbones freeze their first stages only here
    try:
        chosen = find_targets(model, **asdict(settings.targets))
    except TargetError as error:
        raise LotteryError(str(error)) from error
    targets = fitting(settings, model, chosen)
    if not targets:
        raise LotteryError(
            f'lottery.pattern={settings.pattern!r} fits none of the {len(chosen)} weights that may '
            'be pruned; choose another pattern or other targets'
        )
    names = {target.name for target in targets}
    return TargetChoice(targets, [target for target in chosen if target.name not in names])


def choose_targets(model: nn.Module, settings: Settings) -> list[Target]:
    """The weights of a model that a search prunes.

    Args:
        model: The model; it is put in training mode.
        settings: The ``lottery`` key.

    Raises:
        LotteryError: If a pattern matches no weight, a role is missing, or none is left to prune.
    """
    return split_targets(model, settings).targets


def table_of_targets(model: nn.Module, settings: Settings, choice: TargetChoice) -> str:
    """What was chosen, and what is left out, as plain text.

    Args:
        model: The model.
        settings: The ``lottery`` key.
        choice: What `split_targets` returned for them.
    """
    dense = left_dense(model, **asdict(settings.targets))
    return target_table(model, choice.targets, choice.misfits, dense)


def fitting(settings: Settings, model: nn.Module, targets: Sequence[Target]) -> list[Target]:
    """The weights that ``lottery.pattern`` can prune.

    Args:
        settings: The ``lottery`` key.
        model: The model.
        targets: The weights that it chooses.
    """
    fits = getattr(build_pattern(settings.pattern), 'fits', None)
    if fits is None:
        return list(targets)
    transposed = transposed_weights(model, [target.name for target in targets])
    turned = outward({target.name: target.parameter for target in targets}, transposed)
    return [target for target in targets if fits(tuple(turned[target.name].shape))]
