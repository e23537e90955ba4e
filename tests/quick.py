"""Searches in the tests' own process without what takes two thirds of one that is so small."""

import contextlib
import copy
import functools
import gc
import os
from collections.abc import Iterator
from typing import Any
from unittest import mock

import mmengine.config.config
import mmengine.runner.runner
import mmengine.utils.version_utils
import yapf.yapflib.yapf_api
from mmengine.visualization import Visualizer


@contextlib.contextmanager
def quick_searches() -> Iterator[None]:
    """Leaves out what no test looks at, and does once what is the same each time.

    Each round dumps its config several times, collects the garbage of the one before, asks git and
    compilers who they are, makes an empty figure, and waits until files are on the disk.
    """
    gc.collect()
    gc.freeze()  # what was imported is not searched for garbage
    with contextlib.ExitStack() as stack:

        def replace(owner: Any, name: str, value: Any) -> None:
            stack.enter_context(mock.patch.object(owner, name, value, create=True))

        # One stack imports it with the module, the other where it is called.
        for module in (mmengine.config.config, yapf.yapflib.yapf_api):
            replace(module, 'FormatCode', _as_it_is)
        replace(os, 'fsync', _not_yet)
        replace(mmengine.utils.version_utils, '_minimal_ext_cmd', _no_command)
        replace(mmengine.runner.runner, 'collect_env', _once(mmengine.runner.runner.collect_env))
        replace(Visualizer, '_initialize_fig', _one_a_size(Visualizer._initialize_fig))
        yield
    gc.unfreeze()


def _as_it_is(text: str, **style: object) -> tuple[str, bool]:
    return text, True


def _not_yet(descriptor: int) -> None:
    """No test cuts the power."""


def _no_command(command: list[str]) -> bytes:
    raise OSError('no commands in tests')


def _once(collect: Any) -> Any:
    first = functools.cache(collect)
    return lambda: copy.copy(first())


def _one_a_size(make: Any) -> Any:
    figures: dict[str, Any] = {}

    def figure(visualizer: Visualizer, settings: Any) -> Any:
        key = str(settings)
        if key not in figures:
            figures[key] = make(visualizer, settings)
        return figures[key]

    return figure
