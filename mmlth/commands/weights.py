"""Weights that a command is given by the name of a file."""

from pathlib import Path

from mmlth.engine import LotteryError
from mmlth.engine.tickets import read_weights
from mmlth.ticket import Ticket


def weights_at(path: str) -> Ticket:
    """Reads a ticket or a checkpoint.

    Raises:
        LotteryError: If there is no such file; says from which folder it was looked for.
    """
    try:
        return read_weights(path)
    except FileNotFoundError as error:
        raise LotteryError(f'{error} (seen from {Path.cwd()})') from error
