"""``mmlth soup``: average tickets that share a mask, as branches by data order do."""

import argparse
from pathlib import Path

from rich.console import Console

from mmlth.commands.destination import check_destination
from mmlth.engine import LotteryError
from mmlth.engine.soup import soup
from mmlth.quiet import quiet
from mmlth.ticket import Ticket, save_ticket


def run(options: argparse.Namespace) -> None:
    """Averages, and prints in a line what was done."""
    check_destination(options.out, options.tickets, options.force)
    try:
        with quiet(), Console(stderr=True).status('reading the tickets') as status:
            ticket = soup(
                options.tickets,
                options.config,
                batches=options.batches,
                cfg_options=options.cfg_options,
                progress=status.update,
            )
    except OSError as error:
        raise LotteryError(f'the soup cannot be made: {error}') from error
    try:
        save_ticket(ticket, options.out)
    except OSError as error:
        raise LotteryError(f'{options.out}: {error}') from error
    mask, size = ticket.mask, Path(options.out).stat().st_size
    print(
        f'{options.out} written, {size:,} bytes: the mean of {len(options.tickets)} tickets, '
        f'{mask.kept:,} of {mask.total:,} prunable weights kept, sparsity {mask.sparsity:.2%}; '
        f'{_statistics(ticket)}'
    )


def _statistics(ticket: Ticket) -> str:
    soup_info = ticket.info['soup']
    recomputed, frozen = soup_info['recomputed'], soup_info['frozen']
    if soup_info['batches']:
        kept = {'frozen': frozen, 'not reached by the data': soup_info['unreached']}
        others = ''.join(f'; {why}, as all share them: {n}' for why, n in kept.items() if n)
        return (
            f'running statistics computed from {soup_info["batches"]} batches (layers: {recomputed}'
            f'{others})'
        )
    if frozen:
        return (
            f'no data needed: running statistics are frozen, as all share them (layers: {frozen})'
        )
    return 'no data needed: the model has no running statistics'
