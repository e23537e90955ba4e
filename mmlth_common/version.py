"""The version of mmlth."""

__version__ = '0.1.0'
