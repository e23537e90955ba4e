"""Measures the network of a ticket."""

from collections.abc import Callable, Sequence
from pathlib import Path

from mmlth.analysis.speed.machine import load_average, this_machine
from mmlth.analysis.speed.measuring import absent, measure
from mmlth.analysis.speed.speed import Speed, fingerprint
from mmlth.analysis.speed.subject import subject_of
from mmlth.engine.exporting import part_of, ticket_model
from mmlth.errors import LotteryError


def ticket_speed(
    ticket: str | Path,
    *,
    config: str | Path | None = None,
    size: tuple[int, int] | None = None,
    part: str = 'features',
    threads: Sequence[int] = (1,),
    rounds: int = 15,
    progress: Callable[[str], None] = lambda _: None,
) -> Speed:
    """Measures how long the network of a ticket takes for one image, in all that is installed.

    Args:
        ticket: A ticket file that holds trained weights.
        config: The config of the model: a file or a name. By default it is what the ticket holds
            of it.
        size: Height and width of the image in pixels; by default that of the config's validation
            images.
        part: One of `PARTS`, as it is exported.
        threads: The numbers of threads to measure with, one after another.
        rounds: How many times each contender is measured.
        progress: Gets the name of each step before it begins.

    Raises:
        TicketError: If it is no ticket, a damaged one, one without trained weights, or one of
            another model.
        LotteryError: If the ticket or its config cannot be read, the part cannot be run, or the
            file changes meanwhile.
    """
    before = load_average()
    own, measured = ticket_model(ticket, config, size), fingerprint(ticket)
    chosen = part_of(own.model, part, own.size)
    timings = measure(subject_of(chosen, own.size), threads, rounds, progress=progress)
    if fingerprint(ticket) != measured:
        raise LotteryError(
            f'{ticket} was written anew while the network that it held was measured; measure it '
            'once it stays'
        )
    return Speed(
        ticket=str(ticket),
        fingerprint=measured,
        model=chosen.model,
        part=part,
        size=own.size,
        sparsity=own.mask.sparsity,
        rounds=rounds,
        timings=tuple(timings),
        absent=absent(),
        machine=this_machine(),
        load=(before, load_average()),
    )
