"""What changed from one ticket to another of the same model."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from mmlth.analysis.masks.layers import density
from mmlth.messages import join_names
from mmlth.pruning import Mask, Overlap, overlaps, together
from mmlth.ticket import Ticket, TicketMismatchError


@dataclass(frozen=True)
class LayerPair(Overlap):
    """One weight under two masks; numbers of weights.

    Attributes:
        name: The parameter's name.
    """

    name: str

    @property
    def densities(self) -> tuple[float, float]:
        """Shares of the weights that each mask keeps, in [0, 1]."""
        return density(self.first, self.total), density(self.second, self.total)


@dataclass(frozen=True)
class TicketComparison:
    """Two masks of one model.

    Attributes:
        layers: Each weight that either masks; one that is not masked is kept whole.
    """

    layers: tuple[LayerPair, ...]

    @property
    def iou(self) -> float | None:
        """Intersection over union of all layers together."""
        return together(self.layers).iou

    @property
    def hamming(self) -> float:
        """Share of the weights of all layers in which the masks differ, in [0, 1]."""
        return together(self.layers).hamming

    @property
    def chance_iou(self) -> float | None:
        """The IoU if the masks were independent within each layer, at its two densities."""
        both = sum(pair.chance_both for pair in self.layers)
        union = sum(pair.first + pair.second for pair in self.layers) - both
        return both / union if union else None

    @property
    def revived(self) -> int:
        """Weights that the second mask keeps and the first does not."""
        return sum(pair.second - pair.both for pair in self.layers)

    @property
    def nested(self) -> bool:
        """Whether the second mask keeps only what the first keeps."""
        return self.revived == 0


def compare_tickets(first: Ticket, second: Ticket) -> TicketComparison:
    """Compares two tickets of one model layer by layer.

    A weight that only one of them masks counts as kept whole by the other, if that holds it.

    Args:
        first: The ticket that comes before.
        second: The ticket that comes after.

    Raises:
        TicketMismatchError: If they are tickets of different models; names the first differences.
    """
    masks = _completed(first, second.mask), _completed(second, first.mask)
    _check_same(*masks)
    pairs = overlaps(*masks)
    return TicketComparison(
        tuple(LayerPair(name=name, **asdict(part)) for name, part in pairs.items())
    )


def _completed(ticket: Ticket, other: Mask) -> dict[str, Tensor]:
    """The masks of a ticket, whole ones for those of its weights that only another masks."""
    weights = ticket.weights or {}
    whole = {
        name: torch.ones(weights[name].shape, dtype=torch.bool)
        for name in other
        if name not in ticket.mask and name in weights
    }
    return {**ticket.mask, **whole}


def _check_same(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> None:
    problems = []
    for number, (ours, theirs) in enumerate(((first, second), (second, first)), start=1):
        missing = [name for name in ours if name not in theirs]
        if missing:
            problems.append(
                f'ticket {number} masks {len(missing)} parameters that ticket {3 - number} lacks '
                f'({join_names(missing)})'
            )
    other = [
        f'{name}: {_shape(kept)} and {_shape(second[name])}'
        for name, kept in first.items()
        if name in second and second[name].shape != kept.shape
    ]
    if other:
        problems.append(f'{len(other)} parameters differ in shape ({join_names(other)})')
    if problems:
        raise TicketMismatchError(
            f'these are tickets of different models: {"; ".join(problems)}; compare tickets of one '
            'model'
        )


def _shape(tensor: Tensor) -> str:
    return ' × '.join(map(str, tensor.shape)) or 'a single number'
