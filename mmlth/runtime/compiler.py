"""The kernel, compiled at its first use on a machine and kept for later ones."""

import contextlib
import ctypes
import functools
import hashlib
import logging
import os
import platform
import shlex
import subprocess
import sysconfig
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from mmlth.messages import reason
from mmlth.runtime.errors import NoCompilerError

SOURCE = Path(__file__).with_name('kernel.cpp')
FLAGS = ('-O3', '-fno-math-errno', '-fno-trapping-math')
"""Both leave results as they are, and let the compiler use vectors."""


@functools.cache
def kernel(flags: Sequence[str] | None = None) -> ctypes.CDLL:
    """The functions of ``kernel.cpp``.

    They are compiled by torch's loader of extensions unless a library is there that was built from
    the same source, by the same compiler, with the same flags, for the same kind of processor and
    version of torch. From then on the process keeps memory that it frees (glibc's malloc does not
    return it): the system would have to clear new pages for each large tensor of each run.

    Args:
        flags: The compiler's options beside `FLAGS`, a tuple; by default, to build for this
            processor, with threads where it has OpenMP.

    Raises:
        NoCompilerError: If there is no compiler, or it fails.
    """
    flags = (*FLAGS, *(native_flags() if flags is None else flags))
    path = library_path(flags)
    try:
        if not path.exists():
            _build(flags, path)
        try:
            library = ctypes.CDLL(str(path))
        except OSError:  # cut off when the machine lost its power, say
            _build(flags, path)
            library = ctypes.CDLL(str(path))
    except OSError as error:
        raise NoCompilerError(
            f'the kernel for sparse layers cannot be kept in or loaded from {path.parent}: '
            f'{reason(error)}; name another folder in the environment variable '
            'TORCH_EXTENSIONS_DIR'
        ) from error
    library.convolve.argtypes = [ctypes.c_void_p] * 5 + [ctypes.c_int64] * 2
    library.max_pool.argtypes = [ctypes.c_void_p] * 3 + [ctypes.c_int64] * 2
    library.enlarge.argtypes = [ctypes.c_void_p] * 2 + [ctypes.c_int64] * 6
    library.enlarge.restype = None
    for function in (library.convolve, library.max_pool, library.has_tile, library.widest):
        function.restype = ctypes.c_int64
    library.has_tile.argtypes = [ctypes.c_int64] * 3
    library.keep_memory()
    return library


def _build(flags: Sequence[str], path: Path) -> None:
    """Puts a library to a path, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Other processes may compile at the same time, or be killed: each has a folder of its own.
    with tempfile.TemporaryDirectory(dir=path.parent, prefix='building-') as folder:
        library = compiled(flags, Path(folder))
        with library.open('rb') as file:
            os.fsync(file.fileno())
        os.replace(library, path)


def native_flags() -> tuple[str, ...]:
    """Flags for the vectors of this machine's processor, and for threads."""
    # Clang on ARM knows -mcpu only, and Apple's knows no -fopenmp.
    arm = platform.machine() in ('arm64', 'aarch64')
    threads = () if platform.system() == 'Darwin' else ('-fopenmp',)
    return ('-mcpu=native' if arm else '-march=native', *threads)


def library_path(flags: Sequence[str]) -> Path:
    """Where the library is kept that these flags give.

    Args:
        flags: All options of the compiler.

    Raises:
        NoCompilerError: If there is no compiler, or it does not know a flag.
    """
    # The macros that a compiler defines tell its version and the instructions that it may use: a
    # home folder can be shared by machines whose processors differ.
    macros = _run([*_compiler(), *flags, '-dM', '-E', '-x', 'c++', os.devnull])
    parts = (macros, ' '.join(flags), torch.__version__, SOURCE.read_text(encoding='utf-8'))
    key = hashlib.sha256('\0'.join(parts).encode()).hexdigest()[:16]
    root = os.environ.get('TORCH_EXTENSIONS_DIR') or '~/.cache/torch_extensions'
    return Path(root).expanduser() / 'mmlth' / f'kernel-{key}.so'


def compiled(flags: Sequence[str], folder: Path) -> Path:
    """Compiles the kernel by torch's loader of extensions.

    Args:
        flags: All options of the compiler.
        folder: Where it may write.

    Returns:
        The library, in that folder.

    Raises:
        NoCompilerError: If that fails.
    """
    # Another name each time: torch numbers those of libraries that it has loaded before.
    name = f'mmlth_{uuid.uuid4().hex}'
    try:
        with _ninja_on_path():
            _loader().load(
                name,
                [str(SOURCE)],
                extra_cflags=list(flags),
                extra_ldflags=[flag for flag in flags if flag == '-fopenmp'],
                build_directory=str(folder),
                is_python_module=False,
            )
    except (RuntimeError, ImportError, OSError, subprocess.SubprocessError) as error:
        raise NoCompilerError(
            f'the kernel for sparse layers cannot be compiled: {reason(error)}; '
            "install a C++ compiler (Debian: apt-get install g++) and ninja (pip install 'mmlth"
            "[accelerate]')"
        ) from error
    return folder / f'{name}.so'


@contextlib.contextmanager
def _ninja_on_path() -> Iterator[None]:
    """Lets torch find the ninja of this Python's packages, whose scripts may not be on the path."""
    path = os.environ.get('PATH', '')
    scripts = sysconfig.get_path('scripts')
    os.environ['PATH'] = os.pathsep.join(filter(None, (path, scripts)))
    try:
        yield
    finally:
        os.environ['PATH'] = path


def _loader() -> Any:
    """The loader of extensions of torch, without its remarks about CUDA."""
    log = logging.getLogger('torch.utils.cpp_extension')
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        from torch.utils import cpp_extension
    finally:
        log.setLevel(level)
    return cpp_extension


def _compiler() -> list[str]:
    return shlex.split(os.environ.get('CXX') or 'c++')


def _run(command: Sequence[str]) -> str:
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603
    except FileNotFoundError as error:
        raise NoCompilerError(
            f'there is no C++ compiler {command[0]!r}; install one (Debian: apt-get install g++), '
            'or name yours in the environment variable CXX'
        ) from error
    except subprocess.CalledProcessError as error:
        lines = [line for line in error.stderr.splitlines() if 'error' in line] or ['it failed']
        raise NoCompilerError(f'{" ".join(command[:3])} …: {lines[0]}') from error
