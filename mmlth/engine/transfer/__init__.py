"""A ticket for another model or task."""

from mmlth.engine.transfer.result import Transfer
from mmlth.engine.transfer.transfer import VALUES, transfer

__all__ = [
    'VALUES',
    'Transfer',
    'transfer',
]
