"""An optional package that a config or a model needs but that is not installed, in one line."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from mmlth.engine.errors import LotteryError


@contextmanager
def explaining_missing_packages(what: str) -> Iterator[None]:
    """Turns an error that says a package is not installed into one line that names it.

    Args:
        what: Who needs it.

    Raises:
        LotteryError: Instead of such an error; others pass.
    """
    try:
        yield
    except Exception as error:
        reason = _missing(error)
        if reason is None:
            raise
        raise LotteryError(f'{what} needs {reason}') from error


def _missing(error: BaseException) -> str | None:
    chain = [error]
    while following := chain[-1].__cause__ or chain[-1].__context__:
        chain.append(following)
    for link in chain:
        if isinstance(link, ModuleNotFoundError) and link.name:
            return f'the package {link.name.split(".")[0]}, which is not installed'
    # MMEngine, MMDetection and MMPose word this in many ways, some over several lines.
    for link in chain:
        text = ' '.join(str(link).split())
        if isinstance(link, (ImportError, RuntimeError)) and re.search(
            'is not installed|pip install', text
        ):
            return f'a package that is not installed: {text}'
    return None
