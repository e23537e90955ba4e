"""Errors that a user can mend, each in one line."""

import importlib.util
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from mmlth.errors import LotteryError as LotteryError  # which the engine's modules find here
from mmlth.messages import reason
from mmlth.ticket import TicketError


@contextmanager
def one_line_if(problem: str) -> Iterator[None]:
    """Turns whatever is raised within into a LotteryError that begins with the problem."""
    try:
        yield
    except LotteryError:
        raise
    except Exception as error:  # whatever a config's own code raises
        raise LotteryError(f'{problem}: {reason(error)}') from error


ANOTHER_WORK_DIR = 'another work_dir (--work-dir, of a branch --name)'
"""How messages advise to put a search elsewhere."""


class DamagedCheckpointError(LotteryError):
    """A checkpoint that is not what was written."""


class StoppedEarly(Exception):
    """Ends a round whose early stopping had decided before the interruption."""


class Preempted(SystemExit):
    """Ends the process after a signal, its work saved, with a code that asks to be run again."""

    def __init__(self) -> None:
        super().__init__(os.EX_TEMPFAIL)


def show_lottery_errors_in_one_line() -> None:
    """Makes scripts end on an error of mmlth with its one line rather than a traceback.

    Called for configs with a ``lottery`` key only. Notebooks and tests see an ordinary exception.
    """
    if getattr(sys.excepthook, 'shows_lottery_errors', False):
        return
    previous = sys.excepthook

    def hook(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, (LotteryError, TicketError)):
            print(f'mmlth: {error}', file=sys.stderr)
        else:
            previous(kind, error, traceback)

    hook.shows_lottery_errors = True  # type: ignore[attr-defined]
    sys.excepthook = hook


@contextmanager
def explaining_missing_packages(what: str, config: str | Path | None = None) -> Iterator[None]:
    """Turns an error of importing something into one line that names it and says what is wrong.

    Args:
        what: Who needs it.
        config: The file that it is needed by, if any: what lies beside it is on no path of Python.

    Raises:
        LotteryError: Instead of such an error; others pass.
    """
    try:
        yield
    except Exception as error:
        needed = _needed(error, config)
        if needed is None:
            raise
        raise LotteryError(f'{what} needs {needed}') from error


def _needed(error: BaseException, config: str | Path | None) -> str | None:
    chain = [error]
    while following := _behind(chain[-1]):
        chain.append(following)
    for link in chain:
        if isinstance(link, ModuleNotFoundError) and link.name:
            return _lacking(link.name, [*([Path(config).parent] if config else []), Path()])
    # MMEngine replaces the reason why a custom import failed by a list of folders.
    broken = [link for link in chain if isinstance(link, ImportError) and link.name]
    if broken and isinstance(error, ImportError):
        return f'the module {broken[-1].name}, which cannot be imported: {reason(broken[-1])}'
    # MMEngine, MMDetection and MMPose word this in many ways, some over several lines.
    for link in chain:
        text = ' '.join(str(link).split())
        if isinstance(link, (ImportError, RuntimeError)) and re.search(
            'is not installed|pip install', text
        ):
            return f'a package that is not installed: {text}'
    return None


def _behind(error: BaseException) -> BaseException | None:
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _lacking(name: str, folders: Iterable[Path]) -> str:
    """A module that could not be imported, why, and what to do.

    Args:
        name: The name with dots.
        folders: Where users keep modules of their own, though Python looks there only if told to.
    """
    top = name.split('.')[0]
    if _is_found(top):
        place = getattr(sys.modules.get(top), '__file__', None)
        where = f' in {Path(place).parent}' if place else ''
        return (
            f'the module {name}, which the package {top}{where} lacks; correct the name, or '
            f'install the version of {top} that has it'
        )
    for folder in folders:
        if (folder / f'{top}.py').is_file() or any((folder / top).glob('**/*.py')):
            return (
                f'the module {top}, which Python does not find; there is one in '
                f'{folder.absolute()}: if that is meant, put this folder on the path, as by '
                f'PYTHONPATH={folder.absolute()}'
            )
    return (
        f'the package {top}, which is not installed; install it, or if it is a module of your own, '
        f'put its folder on the path (PYTHONPATH): it is neither beside the config nor in '
        f'{Path.cwd()}'
    )


def _is_found(top: str) -> bool:
    try:
        return top in sys.modules or importlib.util.find_spec(top) is not None
    except (ImportError, ValueError):
        return False
