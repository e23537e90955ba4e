"""``mmlth transfer``: make a ticket, or pre-trained weights, a ticket of another model."""

import argparse
from pathlib import Path

from mmlth.commands.destination import check_destination
from mmlth.console import output_console
from mmlth.engine import LotteryError
from mmlth.engine.transfer import transfer
from mmlth.report.commands import print_transfer
from mmlth.ticket import save_ticket

_TICKET = '.safetensors'


def run(options: argparse.Namespace) -> None:
    """Transfers, prints the table and what to do next."""
    _check(options)
    done = transfer(
        options.source,
        options.config,
        rules=options.map,
        values=options.values,
        sparsity=options.sparsity,
        depths=options.depths,
        heads=options.heads,
        mask=options.mask,
        rewind_file=options.rewind_file,
        input=options.input,
        source_config=options.source_config,
        any_input=True,  # judged below, after the table
        seed=options.seed,
        cfg_options=options.cfg_options,
        dry_run=options.dry_run,
    )
    print_transfer(output_console(), done)
    problem = done.input_problem()
    if problem and not options.any_input:
        raise LotteryError(problem)
    if options.dry_run:
        return
    try:
        save_ticket(done.ticket, options.out)
    except OSError as error:
        raise LotteryError(f'{options.out}: {error}') from error
    size = Path(options.out).stat().st_size
    print(f'{options.out} written, {size:,} bytes; train it by')
    same = ' --cfg-options … (as here)' if options.cfg_options else ''
    print(f'  mmlth train {options.config} --ticket {options.out}{same}')


def _check(options: argparse.Namespace) -> None:
    """Refuses what cannot be meant, before anything is read."""
    if options.dry_run:
        return
    if options.out is None or Path(options.out).suffix != _TICKET:
        raise LotteryError(
            f'--out takes a name that ends in {_TICKET}, got {options.out}; or give --dry-run to '
            'write nothing'
        )
    check_destination(options.out, [options.source], options.force)
