"""Every command of the recipes, for every row of their tables, names what there is and parses.

So do those of the page on transfer, which agree with them.
"""

import argparse
import importlib.util
import re
import shlex
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

import pytest
from mmengine.config import Config, DictAction
from repository import ROOT, installed_configs

from mmlth.engine import parse_settings, read_config
from mmlth_cli import main as command_line

TEXT = (ROOT / 'docs/en/how_to/recipes.md').read_text()
TRANSFER = (ROOT / 'docs/en/how_to/transfer.md').read_text()
SECTIONS = [section for page in (TEXT, TRANSFER) for section in re.split(r'\n(?=##+ )', page)]
COLUMNS = set(re.findall(r'\| `([A-Z]+)` ', TEXT))
PLACEHOLDER = re.compile(f'(?<![A-Z])({"|".join(sorted(COLUMNS))})(?![A-Z])')


def tables(section: str) -> list[list[dict[str, str]]]:
    """The tables of a section, each row by its header."""
    result = []
    for table in re.findall(r'(?:^\|.*\n)+', section + '\n', re.M):
        header, rule, *rows = [
            [cell.strip().strip('`') for cell in line.strip().strip('|').split('|')]
            for line in table.splitlines()
        ]
        assert all(re.fullmatch(':?-+:?', cell) for cell in rule)
        assert all(len(row) == len(header) == len(rule) for row in rows), header
        result.append([dict(zip(header, row)) for row in rows])
    return result


def written(section: str) -> list[str]:
    """Commands of code blocks and table cells, placeholders and all."""
    blocks = re.findall(r'```sh\n(.*?)```', section, re.S)
    lines = [line for block in blocks for line in block.replace('\\\n', ' ').splitlines()]
    return lines + re.findall(r'\| `((?:mmlth|mim) [^`|]*)`', section)


def filled(
    command: str, rows: list[dict[str, str]], given: Mapping[str, str] = MappingProxyType({})
) -> Iterator[str]:
    """A command with its placeholders replaced by the cells of rows that agree."""
    match = PLACEHOLDER.search(command)
    if not match:
        yield command
        return
    for row in rows:
        if match[0] in row and all(row.get(key, cell) == cell for key, cell in given.items()):
            cells = {**given, **{key: row[key] for key in COLUMNS & row.keys()}}
            once = PLACEHOLDER.sub(lambda match, c=cells: c.get(match[0], match[0]), command)
            yield from filled(once, rows, cells)


def section_commands(section: str) -> list[str]:
    """The commands of a section, each for all rows that it is written for."""
    rows = [row for table in tables(section) for row in table]
    result = []
    for command in written(section):
        each = list(filled(command, rows))
        assert each, command
        result += each
    return result


def commands() -> list[str]:
    return list(dict.fromkeys(each for section in SECTIONS for each in section_commands(section)))


@cache
def read(name: str) -> Config:
    return read_config(name)


def check_config(name: str, options: dict | None = None) -> None:
    if '::' not in name:
        if ROOT / name not in installed_configs():
            return
        name = str(ROOT / name)
    if not name.startswith('mmpretrain::'):
        config = read_config(read(name), options)
        parse_settings(config.get('lottery') or {})


def check(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program, *words = shlex.split(command)
    if program == 'mim':
        parser = argparse.ArgumentParser()
        parser.add_argument('verb', choices=['train'])
        parser.add_argument('package', choices=['mmdet', 'mmpose', 'mmseg'])
        parser.add_argument('config')
        parser.add_argument('--work-dir')
        parser.add_argument('--cfg-options', nargs='+', action=DictAction)
        options = parser.parse_args(words)
        check_config(options.config, options.cfg_options)
        return
    assert program == 'mmlth'
    parsed = []
    for name in command_line.COMMANDS:
        monkeypatch.setattr(f'mmlth.commands.{name}.run', parsed.append)
    assert command_line.main(words) == 0
    (options,) = parsed
    if options.command == 'transfer':
        assert '://' not in options.source  # a file, which is read and hashed
    if options.command in ('train', 'transfer'):
        check_config(options.config, options.cfg_options)
    if options.command == 'branch':
        chosen = {key: options.lottery.get(key) for key in ('score', 'allocation')}
        parse_settings({key: value for key, value in chosen.items() if value is not None})


COMMANDS = commands()


@pytest.mark.parametrize('command', COMMANDS)
def test_a_command_parses(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        check(command, monkeypatch)
    except SystemExit as error:  # of argparse
        raise ValueError(command) from error


@pytest.mark.parametrize('section', SECTIONS, ids=lambda section: section.partition('\n')[0])
def test_no_row_is_left_out(section: str) -> None:
    """A row whose cells stand for words of a command has its command."""
    commands = section_commands(section)
    for row in (row for table in tables(section) for row in table):
        cells = [
            part for key in COLUMNS & row.keys() for part in PLACEHOLDER.sub(' ', row[key]).split()
        ]
        assert not cells or any(all(cell in text for cell in cells) for text in commands), row


@pytest.mark.parametrize(
    ('kind', 'title'),
    [
        ('ticket', 'S1: ImageNet tickets transferred'),
        ('mask', 'S1: mask transfer'),
        ('task', 'S1: task transfer'),
        ('pre-training', 'Transferred'),
    ],
)
def test_both_pages_transfer_the_same_values(kind: str, title: str) -> None:
    section = next(s for s in SECTIONS if re.match(f'#+ {title}\n', s))
    recipe = next(line for line in written(section) if line.startswith('mmlth transfer'))
    (row,) = [line for line in TRANSFER.splitlines() if line.startswith(f'| {kind} |')]
    options = [set(re.findall(r'--(?:values \w+|sparsity)', text)) for text in (recipe, row)]
    assert options[0] == options[1]


def test_every_base_config_is_named() -> None:
    named = set(re.findall(r'`(\w+\.py)`', TEXT))
    assert {path.name for path in (ROOT / 'configs/_base_/lth').glob('*.py')} <= named


def test_configs_of_ours_exist() -> None:
    names = {name for command in COMMANDS for name in re.findall(r'configs/\S+\.py', command)}
    assert len(names) > 5
    assert not [name for name in names if not (ROOT / name).exists()]


@pytest.mark.skipif(importlib.util.find_spec('mmpretrain') is None, reason='needs mmpretrain')
def test_configs_of_mmpretrain_exist() -> None:
    folder = Path(importlib.util.find_spec('mmpretrain').origin).parent / '.mim/configs'
    names = {name for command in COMMANDS for name in re.findall(r'mmpretrain::(\S+)', command)}
    assert names
    assert not [name for name in names if not (folder / name).exists()]
