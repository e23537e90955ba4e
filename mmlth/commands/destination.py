"""The file that a command is to write."""

from collections.abc import Iterable
from pathlib import Path

from mmlth.engine import LotteryError

_TICKET = '.safetensors'


def check_destination(out: str, sources: Iterable[str], force: bool) -> None:
    """Refuses what cannot be written to, before anything takes time.

    Args:
        out: The file that is to be written.
        sources: The files that are read.
        force: Whether a file of that name may be replaced.

    Raises:
        LotteryError: If it is no name of a ticket, lies nowhere, or is there.
    """
    path = Path(out)
    if path.suffix != _TICKET:
        raise LotteryError(
            f'the ticket to write (--out) takes a name that ends in {_TICKET}, got {out}'
        )
    check_writable(path, sources, force)


def check_writable(path: Path, sources: Iterable[str], force: bool) -> None:
    """Refuses a file of whatever kind that cannot be written to.

    Args:
        path: The file that is to be written.
        sources: The files that are read.
        force: Whether a file of that name may be replaced.

    Raises:
        LotteryError: If it lies nowhere, or is there.
    """
    if not path.parent.is_dir():
        raise LotteryError(
            f'{path} cannot be written: there is no folder {path.parent}; make it first'
        )
    if path.exists():
        if any(Path(source).exists() and path.samefile(source) for source in sources):
            raise LotteryError(f'{path} is read from and cannot be written to; give another name')
        if not force:
            raise LotteryError(f'{path} exists; give another name, or have it replaced (--force)')
