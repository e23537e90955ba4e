"""The mean of networks that share a mask, as a ticket."""

from mmlth.engine.soup.soup import soup

__all__ = [
    'soup',
]
