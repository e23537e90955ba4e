"""Searches in the tests' own process without what takes two thirds of one that is so small."""

import contextlib
import gc
from collections.abc import Iterator
from unittest import mock

import mmengine.config.config
import yapf.yapflib.yapf_api


@contextlib.contextmanager
def quick_searches() -> Iterator[None]:
    """Configs are not laid out for readers, and what was imported is not searched for garbage.

    Each round dumps its config several times, and collects the garbage of the one before.
    """
    gc.collect()
    gc.freeze()
    with contextlib.ExitStack() as stack:
        # One stack imports it with the module, the other where it is called.
        for module in (mmengine.config.config, yapf.yapflib.yapf_api):
            stack.enter_context(mock.patch.object(module, 'FormatCode', _as_it_is, create=True))
        yield
    gc.unfreeze()


def _as_it_is(text: str, **style: object) -> tuple[str, bool]:
    return text, True
