"""The ticket file, and storing training state without pickle."""

from mmlth.ticket.atomic import atomic_path, write_bytes
from mmlth.ticket.tensors import TicketError, load_info, load_tensors, save_tensors
from mmlth.ticket.ticket import Ticket, load_ticket, save_ticket
from mmlth.ticket.tree import flatten, unflatten

__all__ = [
    'Ticket',
    'TicketError',
    'atomic_path',
    'flatten',
    'load_info',
    'load_tensors',
    'load_ticket',
    'save_tensors',
    'save_ticket',
    'unflatten',
    'write_bytes',
]
