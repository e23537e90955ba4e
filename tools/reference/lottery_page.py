#!/usr/bin/env python
"""Writes the reference page of the keys of ``lottery``, from where they are declared."""

import re
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

from mmlth_common.lottery import (
    BranchSettings,
    EarlyBirdSettings,
    LotteryKeys,
    TargetSettings,
    info_of,
)

PAGE = Path(__file__).parents[2] / 'docs/en/reference/lottery.md'
_INTRODUCTION = """# Keys of `lottery`

<!-- Written by tools/reference/lottery_page.py from mmlth_common/lottery.py; edit that file. -->

A key without a default is off, or follows from the others. Where an option is named, `mmlth train`,
`mmlth targets` and `mmlth branch` have it; any key can be set by `--cfg-options lottery.KEY=VALUE`,
also with the stock scripts. `None` stands for a key that is not set. How a search uses them is in
[search.md](../concepts/search.md).
"""
_TABLES = {
    'lottery': LotteryKeys,
    'lottery.targets': TargetSettings,
    'lottery.early_bird': EarlyBirdSettings,
    'lottery.branch': BranchSettings,
}


def lottery_page() -> str:
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
    # Values, which are quoted as in Python, are set as code.
    meaning = re.sub(r"[\w.]+\([^()]*\)|(\w+=)?'[^' ]+'|--[a-z-]+", r'`\g<0>`', declared.meaning)
    return f'| `{key.name}` | {_code(default)} | {_code(option)} | {meaning} |'


def _code(text: str) -> str:
    return f'`{text}`' if text else ''


if __name__ == '__main__':
    PAGE.write_text(lottery_page())
