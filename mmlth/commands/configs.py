"""``mmlth configs``: list the configs that come with mmlth, or copy one to edit."""

import argparse
import difflib
import itertools
import json
from collections.abc import Sequence
from pathlib import Path

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mmlth.commands.destination import check_writable
from mmlth.commands.shipped_configs import (
    ShippedConfig,
    base_line,
    portable_text,
    shipped_configs,
)
from mmlth.console import output_console
from mmlth.errors import LotteryError
from mmlth.messages import reason
from mmlth.ticket import write_bytes


def run(options: argparse.Namespace) -> None:
    """Lists or copies."""
    words = options.words
    if words[:1] == ['copy']:
        if options.json or len(words) not in (2, 3):
            raise LotteryError(
                'mmlth configs copy takes the name of a config and at most a file or folder to put '
                f'it, got {" ".join(words[1:] + ["--json"] * options.json) or "nothing"}; '
                'mmlth configs lists the names'
            )
        _copy(*words[1:], force=options.force)
    elif options.force:
        raise LotteryError('--force is for mmlth configs copy, which alone writes; leave it out')
    else:
        _list(_with_words(words), as_json=options.json)


def _copy(name: str, destination: str | None = None, *, force: bool) -> None:
    config = _named(name)
    path = Path(destination or f'{config.name}.py').expanduser()
    if path.is_dir():
        path /= f'{config.name}.py'
    if path.suffix != '.py':
        raise LotteryError(f'a config takes a name that ends in .py, got {path}')
    check_writable(path, [str(config.path)], force)
    try:
        write_bytes(path, portable_text(config).encode())
    except OSError as error:
        raise LotteryError(f'{path} cannot be written: {reason(error)}') from error
    print(f'{path}: {_use(config, path)}')


def _use(config: ShippedConfig, path: Path) -> str:
    if config.package is None:
        return f'edit it, and name it in the _base_ of a config, such as [..., {path.name!r}]'
    return f'edit it, and train it as any config of {config.package}'


def _named(name: str) -> ShippedConfig:
    configs = shipped_configs()
    wanted = name.rpartition('::')[2].removesuffix('.py')
    for config in configs:
        if wanted in (config.name, config.file.removesuffix('.py')):
            return config
    near = difflib.get_close_matches(Path(wanted).name, [config.name for config in configs])
    hint = f'nearest: {", ".join(near)}' if near else 'mmlth configs lists those there are'
    raise LotteryError(f'mmlth has no config {name!r}; {hint}')


def _with_words(words: Sequence[str]) -> list[ShippedConfig]:
    configs = shipped_configs()
    chosen = [config for config in configs if all(_has(config, word.lower()) for word in words)]
    if not chosen:
        names = [part for config in configs for part in (config.name, *config.name.split('_'))]
        near = difflib.get_close_matches(words[-1], dict.fromkeys(names))
        hint = f'nearest: {", ".join(near)}' if near else 'mmlth configs lists all'
        raise LotteryError(f'no config of mmlth has {" and ".join(words)} in its line; {hint}')
    return chosen


def _has(config: ShippedConfig, word: str) -> bool:
    texts = (config.name, config.group, config.summary, config.package or 'base')
    return any(word in text.lower() for text in texts)


def _list(configs: Sequence[ShippedConfig], *, as_json: bool) -> None:
    if as_json:
        entries = [_entry(config) for config in configs]
        print(json.dumps(entries, indent=2, ensure_ascii=False))
        return
    console, width = output_console(), max(len(config.name) for config in configs)
    for heading, members in itertools.groupby(configs, key=_heading):
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(width=width, no_wrap=True)
        for config in members:
            table.add_row(config.name, Text(config.summary))
        console.print(Text(heading, style='bold'))
        console.print(Padding(table, (0, 0, 0, 2), expand=False))
        console.print()
    console.out('mmlth configs copy NAME writes one to edit', highlight=False)


def _heading(config: ShippedConfig) -> str:
    if config.package is not None:
        return f'{config.group} ({config.package})'
    line = base_line(f'{config.group}/NAME.py')
    return f"{config.group}, inherited by _base_ = ['ZOO::FOLDER/CONFIG.py', {line}]"


def _entry(config: ShippedConfig) -> dict[str, str | None]:
    return {
        'name': config.name,
        'file': config.file,
        'group': config.group,
        'package': config.package,
        'summary': config.summary,
        'base': base_line(config.file),
    }
