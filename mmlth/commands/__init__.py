"""The command line: each command is a thin layer over the Python API."""

from mmlth.cli.main import main

__all__ = [
    'main',
]
