"""Controls: what a ticket is compared with, trained as the ticket was but for one thing."""

from dataclasses import dataclass

from mmlth.engine.settings.members import CONTROL, Spec, build, member_names
from mmlth.pruning import Control


@dataclass(frozen=True)
class ChangedTraining:
    """How a control changes the training of a ticket; see `mmlth.pruning.Control`.

    Attributes:
        mask: Makes the mask from the ticket's.
        new_weights: Whether it starts from new random weights rather than from θ_k.
        new_order: Whether it sees the data in another order, with other augmentations.
        long_dense: Whether it is the dense model instead, trained as long as the whole search.
    """

    mask: Control
    new_weights: bool = False
    new_order: bool = False
    long_dense: bool = False


def control_names() -> list[str]:
    """What ``lottery.branch.control`` may be."""
    return member_names(CONTROL)


def build_control(spec: Spec) -> ChangedTraining:
    """The control that ``lottery.branch.control`` names.

    Args:
        spec: A name, or a dict with the name as ``type`` and options of the control.

    Raises:
        LotteryError: On an unknown name or option.
    """
    control = build(CONTROL, spec)
    declared = ('new_weights', 'new_order', 'long_dense')
    return ChangedTraining(control, **{key: getattr(control, key, False) for key in declared})
