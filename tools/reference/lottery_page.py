"""The reference page of the keys of ``lottery``, from where they are declared."""

from dataclasses import MISSING, Field, fields
from typing import Any

from reference_text import as_code, as_row, mark_code

from mmlth_common.lottery import (
    BranchSettings,
    EarlyBirdSettings,
    LotteryKeys,
    TargetSettings,
    info_of,
)

NAME = 'lottery.md'
_INTRODUCTION = """# Keys of `lottery`

<!-- Written by tools/reference/write_pages.py from mmlth_common/lottery.py; edit that file. -->

A key without a default is off, or follows from the others. Where an option is named, `mmlth train`,
`mmlth targets` and `mmlth branch` have it; any key can be set by `--cfg-options lottery.KEY=VALUE`,
also with the stock scripts. `None` stands for a key that is not set. How a search uses them is told
in [how a search works](../concepts/search.md) and [choose what to prune](../how_to/prune.md).
"""
_TABLES = {
    'lottery': LotteryKeys,
    'lottery.targets': TargetSettings,
    'lottery.early_bird': EarlyBirdSettings,
    'lottery.branch': BranchSettings,
}


def page() -> str:
    """The page as Markdown."""
    return '\n'.join([_INTRODUCTION, *(_table(name, keys) for name, keys in _TABLES.items())])


def _table(name: str, keys: type) -> str:
    lines = [f'## `{name}`', '', '| key | default | option | meaning |', '|---|---|---|---|']
    return '\n'.join([*lines, *map(_row, fields(keys)), ''])


def _row(key: 'Field[Any]') -> str:
    declared = info_of(key)
    default = declared.shown_default
    if default is None:
        default = '' if key.default in (None, MISSING) else repr(key.default)
    option = ''
    if declared.metavar is not None:
        option = f'--{key.name.replace("_", "-")} {declared.metavar}'.rstrip()
    meaning = mark_code(declared.meaning)
    return as_row(f'`{key.name}`', as_code(default), as_code(option), meaning)
