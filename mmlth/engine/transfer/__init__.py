"""A ticket for another model or task."""

from mmlth.engine.transfer.result import Transfer
from mmlth.engine.transfer.transfer import transfer

__all__ = [
    'Transfer',
    'transfer',
]
