"""Tables of a ticket's layers, or of two tickets' layers side by side."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from mmlth.analysis import Inspection, LayerPair, TicketComparison, Zeros
from mmlth.analysis.cost import ModelMacs, sum_by_module
from mmlth.analysis.masks import density, module_of, summed
from mmlth.report.kit import ABSENT, percent, plain_table, short_count

_OUTSIDE = 'outside of layers'
ZERO_LEGEND = """\
density: share of the weights that is kept
zero kernels: with all their weights pruned; of a module, those larger than 1 × 1
zero outputs, zero inputs: slices along the first and second axis of the weight"""
PAIR_LEGEND = """\
density: share of the weights that is kept, by ticket 1 and 2
IoU: kept by both / kept by either; chance: of independent masks of the same densities"""


def layer_table(inspection: Inspection, macs: ModelMacs | None = None) -> Table:
    """A row a layer of a ticket: its density, what is wholly zero, and MACs.

    Args:
        inspection: What the ticket holds.
        macs: The MACs of its model; None where they are not shown.
    """
    table = _zero_table('layer', macs, 'shape')
    work = _work(macs.macs.layers(inspection.ticket.mask)) if macs else {}
    for layer in inspection.layers:
        shape = '×'.join(map(str, layer.shape))
        table.add_row(
            _name(layer.name), shape, *_zero_cells(layer), *_macs_cells(macs, work, layer)
        )
    return table


def module_table(inspection: Inspection, macs: ModelMacs | None = None) -> Table:
    """The same by the first component of the layers' names, and in total.

    Args:
        inspection: What the ticket holds.
        macs: The MACs of its model; None where they are not shown.
    """
    table = _zero_table('module', macs, 'layers')
    layers = macs.macs.layers(inspection.ticket.mask) if macs else []
    work = _work(sum_by_module(layers))
    for module in inspection.modules:
        cells = _zero_cells(module), _macs_cells(macs, work, module)
        table.add_row(Text(module.name), str(module.layers), *cells[0], *cells[1])
    named = {module.name for module in inspection.modules}
    for name, counts in work.items():
        if name not in named:
            table.add_row(Text(name or _OUTSIDE), *[ABSENT] * 6, *map(short_count, counts))
    table.add_section()
    total = summed('all', inspection.layers)
    sums = macs and (macs.macs.dense, macs.macs.sparse(inspection.ticket.mask))
    ending = [short_count(count) for count in sums] if sums else []
    table.add_row('all', str(total.layers), *_zero_cells(total), *ending)
    return table


def pair_table(
    comparison: TicketComparison,
    inspections: Sequence[Inspection],
    macs: ModelMacs | None = None,
    *,
    by_module: bool,
) -> Table:
    """Two tickets beside each other by layer, or by module and in total.

    Args:
        comparison: What changed from the first ticket to the second.
        inspections: What each of them holds.
        macs: The MACs of their model; None where they are not shown.
        by_module: Whether a row is a module rather than a layer.
    """
    table = plain_table('module' if by_module else 'layer')
    for header in ('weights', 'density 1', 'density 2', 'difference', 'IoU', 'chance'):
        table.add_column(header, justify='right', no_wrap=True)
    works: list[dict[str, tuple[int, int]]] = []
    if macs is not None:
        for header in ('MACs', 'sparse 1', 'sparse 2'):
            table.add_column(header, justify='right', no_wrap=True)
        masks = [inspection.ticket.mask for inspection in inspections]
        counted = [macs.macs.layers(mask) for mask in masks]
        works = [_work(sum_by_module(layers) if by_module else layers) for layers in counted]
    groups: dict[str, list[LayerPair]] = {}
    for pair in comparison.layers:
        groups.setdefault(module_of(pair.name) if by_module else pair.name, []).append(pair)
    for name, pairs in groups.items():
        counts = [work.get(name) for work in works]
        table.add_row(_name(name), *_pair_cells(pairs), *_pair_macs(counts))
    if by_module:
        table.add_section()
        totals = [
            (macs.macs.dense, macs.macs.sparse(inspection.ticket.mask))
            for inspection in inspections
            if macs is not None
        ]
        table.add_row('all', *_pair_cells(comparison.layers), *_pair_macs(totals))
    return table


def _zero_table(first: str, macs: ModelMacs | None, second: str) -> Table:
    table = plain_table(first)
    table.add_column(second, no_wrap=True, justify='right')
    for header in ('weights', 'density', 'zero kernels', 'zero outputs', 'zero inputs'):
        table.add_column(header, justify='right', no_wrap=True)
    for header in ('MACs', 'sparse') if macs else ():
        table.add_column(header, justify='right', no_wrap=True)
    return table


def _name(name: str) -> Text:
    """As Text, for a name is no markup."""
    return Text(name.removesuffix('.weight'))


def _zero_cells(part: Any) -> list[str]:
    zeros = [_zeros(part.kernels), _zeros(part.outputs), _zeros(part.inputs)]
    return [f'{part.total:,}', percent(part.density), *zeros]


def _zeros(zeros: Zeros | None) -> str:
    return ABSENT if zeros is None else f'{zeros.zero:,} / {zeros.of:,}'


def _work(works: Iterable[Any]) -> dict[str, tuple[int, int]]:
    return {work.name: (work.dense, work.sparse) for work in works}


def _macs_cells(macs: ModelMacs | None, work: dict[str, tuple[int, int]], part: Any) -> list[str]:
    if macs is None:
        return []
    return [short_count(count) for count in work[part.name]] if part.name in work else [ABSENT] * 2


def _pair_cells(pairs: Sequence[LayerPair]) -> list[str]:
    group = TicketComparison(tuple(pairs))
    total = sum(pair.total for pair in pairs)
    first = density(sum(pair.first for pair in pairs), total)
    second = density(sum(pair.second for pair in pairs), total)
    return [
        f'{total:,}',
        percent(first),
        percent(second),
        f'{100 * (second - first) + 0.0:+.2f} pp',
        *(ABSENT if iou is None else f'{iou:.3f}' for iou in (group.iou, group.chance_iou)),
    ]


def _pair_macs(counts: Sequence[tuple[int, int] | None]) -> list[str]:
    if not counts:
        return []
    dense = counts[0] and counts[0][0]
    numbers = [dense, *(count and count[1] for count in counts)]
    return [ABSENT if number is None else short_count(number) for number in numbers]
