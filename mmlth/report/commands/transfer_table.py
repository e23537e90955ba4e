"""What was transferred from one model to another, as a table and some lines."""

import math
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mmlth.engine.transfer import Transfer
from mmlth.messages import join_names
from mmlth.report.kit import ABSENT, percent, plain_table

_LEGEND = """\
parameters / weights in them, without buffers; missing: not given by the source, so as the target \
starts, dense
left out: predictors and heads of a task; masked: under a mask of the source; density: share kept"""


def print_transfer(console: Console, done: Transfer) -> None:
    """Prints what matched, module by module, and what did not.

    Args:
        console: The console to print to.
        done: The transfer.
    """
    console.print(transfer_table(done))
    console.print(Text(_LEGEND, style='dim'))
    console.print()
    for line in _lines(done):
        console.print(Text(line), soft_wrap=True)


def transfer_table(done: Transfer) -> Table:
    """A row a module: the parameters that matched and that did not, and those in total."""
    table = plain_table('module')
    for header in ('matched', 'missing', 'left out', 'other shape', 'masked', 'density'):
        table.add_column(header, justify='right', no_wrap=True)
    modules = list(dict.fromkeys(name.split('.')[0] for name in done.parameters))
    for module in modules:
        _add_row(table, module, done, {n for n in done.parameters if n.split('.')[0] == module})
    table.add_section()
    _add_row(table, 'all', done, set(done.parameters))
    return table


def _add_row(table: Table, title: str, done: Transfer, members: set[str]) -> None:
    names = done.names
    groups = (names.matched, names.missing, names.left_out, names.mismatched)
    masked = [name for name in done.transplant.masked if name in members]
    mask = done.ticket.mask
    kept = sum(int(mask[name].count_nonzero()) for name in masked)
    total = sum(mask[name].numel() for name in masked)
    table.add_row(
        Text(title),
        *(_cell(done, members & set(group)) for group in groups),
        _cell(done, set(masked)),
        percent(kept / total) if total else ABSENT,
    )


def _cell(done: Transfer, names: set[str]) -> str:
    return f'{len(names)} / {done.weights(names):,}' if names else ABSENT


def _lines(done: Transfer) -> Iterable[str]:
    names, mask = done.names, done.ticket.mask
    yield f'source: {done.source_path} ({done.form})'
    yield f'names: {done.naming}; rules {", ".join(map(str, names.rules))}'
    own = done.values == 'target'
    yield f'values: {"the target keeps its own" if own else "of the source, " + done.values}'
    yield f'input: source {done.source_input or "unknown"}, target {done.target_input or "unknown"}'
    yield (
        f'mask of the target: {mask.kept:,} of {mask.total:,} prunable weights kept, sparsity '
        f'{mask.sparsity:.2%}'
    )
    if names.unused:
        yield f'unused: {len(names.unused)} names of the source ({join_names(names.unused)})'
    if names.mismatched:
        yield f'other shapes: {join_names(map(names.shapes, names.mismatched))}'
    partial = _partial(done)
    if partial:
        yield f'missing in modules that were matched: {join_names(partial)}'
    outside = done.transplant.outside
    if outside:
        count = sum(math.prod(names.target[name]) for name in outside)
        yield (
            f'not masked: {len(outside)} parameters ({count:,} weights) that the source prunes, '
            f'but lottery.targets of the target leaves out, such as {outside[0]}; frozen ones are '
            'masked by lottery.targets.frozen=True'
        )


def _partial(done: Transfer) -> list[str]:
    """Parameters that the source does not give of modules of which it gives others."""
    known = set(done.parameters)
    modules = {name.split('.')[0] for name in done.names.matched}
    return [n for n in done.names.missing if n in known and n.split('.')[0] in modules]
