"""What is written for each runtime that tickets are exported to, and what runs it."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

from mmlth.engine.errors import LotteryError
from mmlth.engine.exporting.mnn_file import mnn_from_onnx
from mmlth_common.choices import RUNTIMES
from mmlth_common.packages import missing_package


@dataclass(frozen=True)
class Runtime:
    """A runtime that tickets are exported to.

    Attributes:
        name: One of `RUNTIMES`.
        process: What runs its files, see `RuntimeProcess`.
        convert: Makes the content of its file from that of an ONNX file.
        packages: What is imported to write a file.
        checker: What is imported to check it.
    """

    name: str
    process: str
    convert: Callable[[bytes], bytes]
    packages: tuple[str, ...]
    checker: str

    def require_packages(self, check: bool) -> None:
        """Checks that what it needs is installed.

        Args:
            check: Whether what checks a file is needed, too.

        Raises:
            LotteryError: If a package is missing.
        """
        for name in (*self.packages, *([self.checker] if check else ())):
            if importlib.util.find_spec(name) is None:
                raise LotteryError(missing_package(name, 'exporting'))


def _as_it_is(content: bytes) -> bytes:
    return content


def _with_marks(content: bytes) -> bytes:
    return mnn_from_onnx(content, sparse=True)


_RUNTIMES = {
    'onnx': Runtime('onnx', 'onnxruntime', _as_it_is, ('onnx',), 'onnxruntime'),
    'mnn': Runtime('mnn', 'mnn', _with_marks, ('onnx', 'MNN'), 'MNN'),
}


def runtime_named(name: str | None, suffix: str) -> Runtime:
    """The runtime that is asked for.

    Args:
        name: One of `RUNTIMES`; by default the file's suffix decides.
        suffix: The suffix of the file: ``.mnn`` is for MNN, any other for ONNX.

    Raises:
        LotteryError: If there is none of this name.
    """
    chosen = name or ('mnn' if suffix.lower() == '.mnn' else 'onnx')
    if chosen not in _RUNTIMES:
        raise LotteryError(
            f'there is no runtime {chosen!r}; it must be one of {", ".join(RUNTIMES)}'
        )
    return _RUNTIMES[chosen]
