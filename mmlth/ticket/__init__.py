"""The ticket file, and storing training state without pickle."""

from mmlth.ticket.atomic import atomic_path, leftovers, write_bytes
from mmlth.ticket.checkpoint import save_checkpoint
from mmlth.ticket.errors import (
    DamagedTicketError,
    NotATicketError,
    TicketError,
    TicketMismatchError,
    TicketTooLargeError,
    TicketVersionError,
)
from mmlth.ticket.foreign import read_foreign
from mmlth.ticket.initial import load_rewind_weights, weights_hash, with_initial
from mmlth.ticket.load import is_ticket, load_info, load_mask, load_ticket
from mmlth.ticket.save import save_ticket
from mmlth.ticket.tensors import load_tensors, save_tensors
from mmlth.ticket.ticket import Ticket
from mmlth.ticket.tree import flatten, unflatten

__all__ = [
    'DamagedTicketError',
    'NotATicketError',
    'Ticket',
    'TicketError',
    'TicketMismatchError',
    'TicketTooLargeError',
    'TicketVersionError',
    'atomic_path',
    'flatten',
    'is_ticket',
    'leftovers',
    'load_info',
    'load_mask',
    'load_rewind_weights',
    'load_tensors',
    'load_ticket',
    'read_foreign',
    'save_checkpoint',
    'save_tensors',
    'save_ticket',
    'unflatten',
    'weights_hash',
    'with_initial',
    'write_bytes',
]
