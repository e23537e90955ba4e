"""What a ticket is like, and what changed since another one, as tables in the terminal."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mmlth.analysis import Inspection, TicketComparison
from mmlth.analysis.cost import ModelMacs, left_out_notes
from mmlth.report.inspection.layer_tables import (
    PAIR_LEGEND,
    ZERO_LEGEND,
    layer_table,
    module_table,
    pair_table,
)
from mmlth.report.kit import (
    ABSENT,
    FORMAT_LEGEND,
    FORMATS,
    percent,
    plain_table,
    short_count,
)

SIZE_LEGEND = f"""\
share: of the dense checkpoint
{FORMAT_LEGEND}"""


def print_inspection(
    console: Console,
    inspections: Sequence[Inspection],
    comparison: TicketComparison | None = None,
    macs: ModelMacs | None = None,
) -> None:
    """Prints all that is known of one ticket, or of two side by side.

    Args:
        console: The console to print to.
        inspections: What one ticket or each of two holds.
        comparison: What changed from the first of two to the second.
        macs: The MACs of their model, if they were counted.
    """
    parts: list[Table | Text]
    if comparison is None:
        parts = [
            layer_table(inspections[0], macs),
            module_table(inspections[0], macs),
            Text(ZERO_LEGEND, 'dim'),
        ]
    else:
        parts = [
            pair_table(comparison, inspections, macs, by_module=False),
            pair_table(comparison, inspections, macs, by_module=True),
            Text(PAIR_LEGEND, 'dim'),
            Text(nesting(comparison)),
        ]
    parts = [provenance_table(inspections), *parts]
    parts += [size_table(inspections), Text(SIZE_LEGEND, 'dim')]
    if macs is not None:
        parts.append(Text('\n'.join(macs_notes(inspections, macs))))
    for part in parts:
        console.print(part, '', sep='\n')


def provenance_table(inspections: Sequence[Inspection]) -> Table:
    """Where tickets come from, and how sparse they are."""
    table = plain_table('')
    table.show_header = len(inspections) > 1
    for i in range(len(inspections)):
        table.add_column(_numbered('ticket', i, inspections), overflow='fold')
    rows = [_provenance(inspection) for inspection in inspections]
    for name in dict.fromkeys(name for row in rows for name in row):
        table.add_row(name, *(Text(row.get(name, ABSENT)) for row in rows))
    return table


def nesting(comparison: TicketComparison) -> str:
    """Whether the second ticket nests in the first, in a sentence."""
    kept = sum(pair.second for pair in comparison.layers)
    if comparison.nested:
        return f'Ticket 2 nests in ticket 1, which keeps all {kept:,} weights that 2 keeps.'
    return (
        f'Ticket 2 does not nest in ticket 1: of the {kept:,} weights that it keeps, 1 has pruned '
        f'{comparison.revived:,}.'
    )


def size_table(inspections: Sequence[Inspection]) -> Table:
    """Bytes on disk and in other formats, each with its share of the dense checkpoint."""
    table = plain_table('size')
    for i in range(len(inspections)):
        for header in ('bytes', 'share'):
            header = _numbered(header, i, inspections)
            table.add_column(header, justify='right', no_wrap=True)

    def row(name: str, counts: Sequence[int | None]) -> None:
        cells: list[str] = []
        for inspection, count in zip(inspections, counts):
            sizes = inspection.sizes
            share = None if sizes is None or count is None else count / sizes.dense
            cells += [ABSENT if count is None else f'{count:,}', percent(share)]
        table.add_row(name, *cells)

    files = [inspection.stored for inspection in inspections]
    row('this file', [stored.file for stored in files])
    row('  mask', [stored.mask for stored in files])
    row('  trained weights', [stored.weights for stored in files])
    if any(stored.initial for stored in files):
        row('  initial weights', [stored.initial for stored in files])
    row('  names, config, …', [stored.rest for stored in files])
    for field, name in FORMATS.items():
        row(name, [_in_format(inspection, field) for inspection in inspections])
    return table


def _in_format(inspection: Inspection, field: str) -> int | None:
    """Bytes in a format; None of a ticket without weights."""
    return None if inspection.sizes is None else int(getattr(inspection.sizes, field))


def macs_notes(inspections: Sequence[Inspection], counted: ModelMacs) -> list[str]:
    """Says what was counted, in total, and what was not, a line each.

    Args:
        inspections: One ticket, or two side by side.
        counted: The MACs of their model.
    """
    macs = counted.macs
    padded = '' if counted.size == counted.image else f', padded to {_pixels(counted.size)}'
    totals = [macs.sparse(inspection.ticket.mask) for inspection in inspections]
    sparse = ' and '.join(
        f'{short_count(total)} ({percent(total / macs.dense) if macs.dense else ABSENT}) with the '
        f'kept weights{_numbered(" of ticket", i, inspections) if len(totals) > 1 else ""}'
        for i, total in enumerate(totals)
    )
    notes = [
        f'MACs of {counted.model} for an image of {_pixels(counted.image)}{padded}: '
        f'{short_count(macs.dense)} dense, {sparse}.',
        'Counted are convolutions and matrix products; those of a masked weight times its density.',
    ]
    unmasked = sum(n for name, n in macs.weights.items() if name not in inspections[0].ticket.mask)
    others = sum(macs.others.values())
    if unmasked or others:
        notes.append(
            f'Dense in any case: {short_count(unmasked)} with weights that are not masked, '
            f'{short_count(others)} without parameters, such as attention.'
        )
    return notes + left_out_notes(counted)


def _provenance(inspection: Inspection) -> dict[str, str]:
    mask, facts = inspection.ticket.mask, inspection.provenance
    removed = mask.total - mask.kept
    network = inspection.network_sparsity
    rows: dict[str, str] = {
        'file': inspection.path,
        **{key: str(facts[key]) for key in ('model', 'round', 'seed') if key in facts},
        'sparsity': f'{percent(mask.sparsity)} of the {mask.total:,} prunable weights '
        f'({mask.kept:,} kept, {removed:,} removed)',
        'network sparsity': 'unknown: the ticket does not tell how many parameters there are'
        if network is None
        else f'{percent(network)} of all {inspection.parameters:,} parameters',
    }
    if inspection.stored.values:
        rows['kept weights'] = f'shortened to {inspection.stored.values}'
    if isinstance(facts.get('soup'), dict):
        rows['soup'] = _soup(facts['soup'])
    for key in ('rewind', 'lottery', 'versions'):
        if isinstance(facts.get(key), dict):
            rows[key] = ', '.join(f'{name} {_brief(value)}' for name, value in facts[key].items())
    for key, name in (('parent_sha256', 'parent'), ('config_sha256', 'config')):
        if key in facts:
            rows[name] = f'SHA-256 {_brief(facts[key])}'
    if isinstance(facts.get('metrics'), dict):
        rows.update({str(name): _metric(value) for name, value in facts['metrics'].items()})
    return rows


def _soup(soup: Mapping[str, Any]) -> str:
    """Of which tickets it is the mean, and where its running statistics come from."""
    listed = soup.get('tickets')
    parts = [part for part in listed if isinstance(part, dict)] if isinstance(listed, list) else []
    names = [f'{part.get("name")} (SHA-256 {_brief(part.get("sha256"))})' for part in parts]
    statistics = (
        f'running statistics from {soup["batches"]} batches'
        if soup.get('batches')
        else 'running statistics as in each of them, if any'
    )
    return f'the mean of {len(names)} tickets: {", ".join(names)}; {statistics}'


def _brief(value: Any) -> str:
    """A value in a line; of a hash its first 12 digits."""
    text = str(value)
    is_hash = isinstance(value, str) and len(value) == 64 and ' ' not in value
    return f'{text[:12]}…' if is_hash else text


def _metric(value: Any) -> str:
    """A measurement; pycocotools writes -1 where there was nothing to measure."""
    # A whole number may be larger than any float, which it is written as.
    is_number = isinstance(value, int | float) and abs(value) <= sys.float_info.max
    return f'{value:.3f}' if is_number and value != -1 else ABSENT


def _pixels(size: tuple[int, int]) -> str:
    return f'{size[0]} × {size[1]}'


def _numbered(text: str, i: int, inspections: Sequence[Inspection]) -> str:
    return f'{text} {i + 1}' if len(inspections) > 1 else text
