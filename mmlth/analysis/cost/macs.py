"""MACs by module, and whether they are counted with the model that a mask belongs to."""

from collections import Counter
from collections.abc import Iterable

from torch import nn

from mmlth.analysis.masks import module_of
from mmlth.pruning import LayerMacs, Mask
from mmlth.ticket import TicketMismatchError


def sum_by_module(works: Iterable[LayerMacs]) -> list[LayerMacs]:
    """Sums the work of layers up by the first component of their names."""
    dense: Counter[str] = Counter()
    sparse: Counter[str] = Counter()
    for work in works:
        dense[module_of(work.name)] += work.dense
        sparse[module_of(work.name)] += work.sparse
    return [LayerMacs(name, count, sparse[name]) for name, count in dense.items()]


def check_masks_model(mask: Mask, model: nn.Module) -> None:
    """Makes sure that a mask belongs to a model.

    Args:
        mask: The mask of a ticket.
        model: The dense model.

    Raises:
        TicketMismatchError: If the model lacks a masked parameter, or has another shape of it.
    """
    shapes = {name: p.shape for name, p in model.named_parameters(remove_duplicate=False)}
    missing = [name for name in mask if name not in shapes]
    other = [name for name in mask if name in shapes and mask[name].shape != shapes[name]]
    if missing:
        raise TicketMismatchError(
            f'the ticket masks {len(missing)} parameters that the model of the config lacks, such '
            f'as {missing[0]}; give the config that the ticket was trained with'
        )
    if other:
        raise TicketMismatchError(
            f'the ticket masks {other[0]} of shape {tuple(mask[other[0]].shape)}, which has shape '
            f'{tuple(shapes[other[0]])} in the model of the config; give the config that the '
            'ticket was trained with'
        )
