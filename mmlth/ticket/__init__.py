"""The ticket file, and storing training state without pickle."""

from mmlth.ticket.atomic import atomic_path, leftovers, write_bytes
from mmlth.ticket.checkpoint import (
    as_checkpoint,
    refused_code,
    save_checkpoint,
    unreadable,
    without_prefix,
)
from mmlth.ticket.elastic import DEPTHS, Depths
from mmlth.ticket.errors import (
    DamagedTicketError,
    NotATicketError,
    TicketError,
    TicketMismatchError,
    TicketTooLargeError,
    TicketVersionError,
)
from mmlth.ticket.foreign import read_foreign
from mmlth.ticket.image_input import INPUTS, ImageInput, parse_input
from mmlth.ticket.initial import REWIND_WEIGHTS, load_rewind_weights, weights_hash, with_initial
from mmlth.ticket.load import is_ticket, load_info, load_mask, load_ticket, read_index
from mmlth.ticket.mapping import NameMap, map_names, parse_rules, recognised_rules
from mmlth.ticket.mean import Mean, mean_of
from mmlth.ticket.planes import DTYPES, as_uint
from mmlth.ticket.save import save_ticket
from mmlth.ticket.tensors import load_tensors, save_tensors
from mmlth.ticket.ticket import Ticket
from mmlth.ticket.transplant import Transplant, one_shot, transplant
from mmlth.ticket.tree import flatten, from_json, to_json, unflatten

__all__ = [
    'DEPTHS',
    'DTYPES',
    'INPUTS',
    'REWIND_WEIGHTS',
    'DamagedTicketError',
    'Depths',
    'ImageInput',
    'Mean',
    'NameMap',
    'NotATicketError',
    'Ticket',
    'TicketError',
    'TicketMismatchError',
    'TicketTooLargeError',
    'TicketVersionError',
    'Transplant',
    'as_checkpoint',
    'as_uint',
    'atomic_path',
    'flatten',
    'from_json',
    'is_ticket',
    'leftovers',
    'load_info',
    'load_mask',
    'load_rewind_weights',
    'load_tensors',
    'load_ticket',
    'map_names',
    'mean_of',
    'one_shot',
    'parse_input',
    'parse_rules',
    'read_foreign',
    'read_index',
    'recognised_rules',
    'refused_code',
    'save_checkpoint',
    'save_tensors',
    'save_ticket',
    'to_json',
    'transplant',
    'unflatten',
    'unreadable',
    'weights_hash',
    'with_initial',
    'without_prefix',
    'write_bytes',
]
