"""``mmlth convert``: turn tickets into checkpoints, and checkpoints of others into tickets."""

import argparse
from dataclasses import replace
from pathlib import Path

from mmlth.engine import LotteryError
from mmlth.engine.checkpoints import load_checkpoint_safely
from mmlth.engine.state import rewind_file_of
from mmlth.messages import reason
from mmlth.ticket import load_ticket, read_foreign, save_checkpoint, save_ticket, with_initial

TICKET = '.safetensors'
CHECKPOINTS = ('.pth', '.pt')


def run(options: argparse.Namespace) -> None:
    """Converts, and prints in one line what was done."""
    try:
        _check(options)
        print(_convert(options))
    except OSError as error:
        # A full disk has a number but no name.
        where = f'{options.destination}: ' if error.errno and not error.filename else ''
        raise LotteryError(f'{where}{error}') from error
    except ValueError as error:
        raise LotteryError(reason(error)) from error


def _convert(options: argparse.Namespace) -> str:
    source, destination = Path(options.source), Path(options.destination)
    notes = []
    if source.suffix == TICKET:
        form, ticket = 'ticket', load_ticket(source)
    else:
        ticket = read_foreign(source, options.mask, load_checkpoint_safely)
        form = f'{ticket.info["source"]["form"]}; mask: {ticket.info["source"]["mask"]}'
    if options.embed_initial is not None:
        ticket = with_initial(ticket, _rewind_file(options))
        notes.append('with the weights that it was trained from')
    if options.without_weights:
        ticket = replace(ticket, weights=None, initial=None)
        notes.append('mask alone')
    before = source.stat().st_size
    if destination.suffix == TICKET:
        save_ticket(ticket, destination, options.values)
    else:
        save_checkpoint(ticket, destination)
    if options.values:
        notes.append(f'lossy: kept weights rounded to {options.values}')
    mask = ticket.mask
    notes.append(f'{before:,} bytes before, {destination.stat().st_size:,} after')
    return (
        f'{destination} written from {source} ({form}): {mask.kept:,} of {mask.total:,} prunable '
        f'weights kept, sparsity {mask.sparsity:.2%}; {"; ".join(notes)}'
    )


def _check(options: argparse.Namespace) -> None:
    """Refuses what cannot be meant, before anything is read."""
    source, destination = Path(options.source), Path(options.destination)
    from_ticket, to_ticket = source.suffix == TICKET, destination.suffix == TICKET
    for_tickets = {
        '--values': options.values,
        '--without-weights': options.without_weights,
        '--embed-initial': options.embed_initial is not None,
    }
    given = [option for option, value in for_tickets.items() if value]
    problem = None
    if not to_ticket and destination.suffix not in CHECKPOINTS:
        problem = f'{destination}: expected a name that ends in {TICKET} or {CHECKPOINTS[0]}'
    elif not from_ticket and not to_ticket:
        problem = f'{source} and {destination} are both checkpoints; name one of them X{TICKET}'
    elif options.mask and from_ticket:
        problem = f'--mask is for checkpoints; the ticket {source} has a mask of its own'
    elif given and not to_ticket:
        problem = f'{given[0]} is for tickets; name the destination X{TICKET} or leave it out'
    elif options.embed_initial is not None and not from_ticket:
        problem = f'--embed-initial is for tickets of a search, not for {source}; leave it out'
    elif options.without_weights and len(given) > 1:
        other = next(option for option in given if option != '--without-weights')
        problem = f'--without-weights leaves nothing to {other} for; give one of them'
    elif destination.exists():
        inputs = [source, options.mask, options.embed_initial]
        if any(name and Path(name).exists() and destination.samefile(name) for name in inputs):
            problem = f'{destination} is read from and cannot be written to; give another name'
        elif not options.force:
            problem = f'{destination} exists; give another name, or --force to replace it'
    if problem:
        raise LotteryError(problem)


def _rewind_file(options: argparse.Namespace) -> Path:
    if options.embed_initial:
        return Path(options.embed_initial)
    rewind = rewind_file_of(Path(options.source))
    if not rewind.is_file():
        raise LotteryError(
            f'{options.source} is in no tickets/ of a search: {rewind} does not exist; give the '
            'rewind file after --embed-initial'
        )
    return rewind
