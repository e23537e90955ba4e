"""Weights out of any file: a ticket, a checkpoint, another tool's."""

from pathlib import Path

from mmlth.engine.checkpoints import load_checkpoint_safely
from mmlth.pruning import Mask
from mmlth.ticket import Ticket, is_ticket, load_rewind_weights, load_ticket, read_foreign


def read_weights(path: str | Path) -> Ticket:
    """Reads a ticket, a rewind file or a checkpoint as a ticket.

    A rewind file keeps all weights of two dimensions or more. Of checkpoints see `read_foreign`.

    Raises:
        FileNotFoundError: If there is no such file.
        TicketError: If it is damaged or none of these.
    """
    if Path(path).suffix != '.safetensors':
        return read_foreign(path, load=load_checkpoint_safely)
    if is_ticket(path) or not Path(path).exists():
        return load_ticket(path)
    weights = load_rewind_weights(path)
    if not weights:
        return load_ticket(path)  # which says what it is instead
    return Ticket(Mask.dense({n: w for n, w in weights.items() if w.dim() > 1}), weights)
