"""What the tickets of a model cost: bytes on disk, and multiply–accumulates for an image."""

from collections.abc import Sequence
from dataclasses import dataclass

from mmlth.analysis.cost.macs import sum_by_module
from mmlth.analysis.cost.sizes import Sizes
from mmlth.analysis.masks import Layer, density
from mmlth.pruning import LayerMacs, Macs


@dataclass(frozen=True)
class TicketCost:
    """What one ticket costs.

    Attributes:
        sparsity: Share of the prunable weights that is removed, in [0, 1].
        file: Bytes of the ticket's file.
        sizes: Bytes in other formats; None for a ticket without weights.
        works: The MACs by module; None where they are not counted.
    """

    sparsity: float
    file: int
    sizes: Sizes | None
    works: tuple[LayerMacs, ...] | None

    @property
    def macs(self) -> LayerMacs | None:
        """The MACs of all modules together."""
        if self.works is None:
            return None
        sums = (sum(w.dense for w in self.works), sum(w.sparse for w in self.works))
        return LayerMacs('all', *sums)


def ticket_cost(
    layers: Sequence[Layer], file: int, sizes: Sizes | None, macs: Macs | None
) -> TicketCost:
    """Puts together what a ticket costs.

    Args:
        layers: The layers of its mask.
        file: The bytes of its file.
        sizes: Bytes in other formats.
        macs: The MACs of its model with dense weights, counted once for all tickets.
    """
    counts = {layer.name: (layer.kept, layer.total) for layer in layers}
    total = sum(total for _, total in counts.values())
    works = None if macs is None else tuple(sum_by_module(macs.weighted(counts)))
    return TicketCost(
        1 - density(sum(kept for kept, _ in counts.values()), total), file, sizes, works
    )
