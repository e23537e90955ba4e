"""Sizes of tickets on disk beside other ways to store the same weights, losslessly.

    python benchmarks/ticket_size.py WORK_DIR/tickets/round_0*.safetensors --prune 0.8 0.9 0.95

``--prune`` adds tickets of these sparsities, drawn in one shot from the weights of the first one.
"""

import argparse
import gzip
import io
import tempfile
from pathlib import Path

import torch
import zstandard
from rich.console import Console
from rich.progress import track
from rich.table import Table

from mmlth import Ticket, load_ticket, masked, prune, save_ticket
from mmlth.analysis.cost import bitmask_bytes, entropy_bytes
from mmlth.pruning import identity

COLUMNS = ('mmlth', 'index+value', 'bitmask', 'zstd of .pth', 'gzip of .pth', 'entropy bound')


def main() -> None:
    """Measures and prints a table of shares of the dense file."""
    options = parse_options()
    tickets = [(path.stem, load_ticket(path)) for path in options.tickets]
    first = tickets[0][1]
    tickets += [
        (f'pruned at {sparsity:.0%}', one_shot(first, sparsity)) for sparsity in options.prune
    ]
    table = Table(title='Share of the dense .pth file (in brackets: of the prunable weights alone)')
    for column in ('ticket', 'sparsity', *COLUMNS):
        table.add_column(column, justify='left' if column == 'ticket' else 'right')
    for name, ticket in track(tickets, 'Storing', transient=True, auto_refresh=False):
        table.add_row(name, f'{ticket.mask.sparsity:.1%}', *shares(ticket))
    console = Console(width=140)
    console.print(table)
    console.print(
        f'dense .pth file: {len(pth(first.state_dict())) / 1e6:.1f} MB; {sharing(tickets)}'
    )


def one_shot(ticket: Ticket, sparsity: float) -> Ticket:
    """A ticket of the largest weights of another one."""
    weights = ticket.state_dict()
    mask = prune({name: weights[name] for name in ticket.mask}, sparsity=sparsity)
    return Ticket(mask, masked(weights, mask))


def shares(ticket: Ticket) -> list[str]:
    """One ticket in every format: its share of the dense file, and that of its prunable part."""
    whole = sizes(ticket)
    prunable = Ticket(ticket.mask, {name: ticket.state_dict()[name] for name in ticket.mask})
    part = sizes(prunable)
    dense, dense_part = len(pth(ticket.state_dict())), 4 * ticket.mask.total
    return [f'{whole[c] / dense:.4f} ({part[c] / dense_part:.4f})' for c in COLUMNS]


def sizes(ticket: Ticket) -> dict[str, float]:
    """Bytes of one ticket by format."""
    mask, weights = ticket.mask, ticket.state_dict()
    once = {identity(weight): weight for weight in weights.values()}
    masked_ones = {identity(weights[name]) for name in mask}
    rest = sum(w.nbytes for key, w in once.items() if key not in masked_ones)
    file = pth(weights)
    return {
        'mmlth': stored(ticket),
        'index+value': rest + 8 * mask.kept,  # int32 and float32
        'bitmask': rest + 4 * mask.kept + bitmask_bytes(mask),
        'zstd of .pth': len(zstandard.ZstdCompressor(level=3).compress(file)),
        'gzip of .pth': len(gzip.compress(file, 6)),
        'entropy bound': rest + 4 * mask.kept + entropy_bytes(mask),
    }


def sharing(tickets: list[tuple[str, Ticket]]) -> str:
    """What a search's tickets take together: with trained weights, and as masks of one θ_k."""
    trained = sum(stored(ticket) for _, ticket in tickets)
    densest = max(stored(ticket) for _, ticket in tickets)
    masks = sum(stored(Ticket(ticket.mask, None)) for _, ticket in tickets)
    return (
        f'all {len(tickets)} tickets: {trained / 1e6:.1f} MB with their trained weights; '
        f'{(densest + masks) / 1e6:.1f} MB as the densest one ({densest / 1e6:.1f} MB) and '
        f'masks of all ({masks / 1e6:.1f} MB)'
    )


def stored(ticket: Ticket) -> int:
    """Bytes of a ticket's file."""
    with tempfile.TemporaryDirectory() as folder:
        save_ticket(ticket, Path(folder, 'ticket'))
        return Path(folder, 'ticket').stat().st_size


def pth(weights: dict[str, torch.Tensor]) -> bytes:
    """What ``torch.save`` writes."""
    buffer = io.BytesIO()
    torch.save(dict(weights), buffer)
    return buffer.getvalue()


def parse_options() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('tickets', type=Path, nargs='+', metavar='TICKET')
    parser.add_argument('--prune', type=float, nargs='*', default=[], metavar='SPARSITY')
    return parser.parse_args()


if __name__ == '__main__':
    main()
