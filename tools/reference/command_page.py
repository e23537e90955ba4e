"""The reference page of the command line, from its parsers."""

import argparse
from collections.abc import Sequence

from reference_text import as_code, as_row, mark_code

from mmlth_cli.main import build_parsers

NAME = 'commands.md'
_INTRODUCTION = """# Command line

<!-- Written by tools/reference/write_pages.py from the parsers in mmlth_cli; edit those. -->

`mmlth COMMAND --help` prints the same. An error is one line on standard error; then the exit code
is 1, or 2 where the command line itself is wrong.
"""
_LOTTERY = 'lottery'
"""The title of the options that stand for keys of ``lottery``, which have a page of their own."""
_USUAL = ('positional arguments', 'options')
"""The titles that argparse gives."""


def page() -> str:
    """The page as Markdown."""
    _, parsers = build_parsers()
    summaries = [
        as_row(f'[`{name}`](#mmlth-{name})', parser.description or '')
        for name, parser in parsers.items()
    ]
    table = '\n'.join(['| command | what it does |', '|---|---|', *summaries, ''])
    return '\n'.join([_INTRODUCTION, table, *map(_section, parsers.values())])


def _section(parser: argparse.ArgumentParser) -> str:
    summary = (parser.description or '').strip()
    lines = [f'## `{parser.prog}`', '', f'{summary[0].upper()}{summary[1:]}', '']
    usual = [each for each in parser._action_groups if each.title in _USUAL]
    lines += _table(parser, [action for group in usual for action in group._group_actions])
    for group in parser._action_groups:
        if group.title == _LOTTERY:
            options = ', '.join(f'`{action.option_strings[0]}`' for action in group._group_actions)
            lines += [f'For [keys of `lottery`](lottery.md), {group.description}: {options}.', '']
        elif group not in usual:
            title = str(group.title)
            lines += [f'**{title[0].upper()}{title[1:]}**', '']
            lines += _table(parser, group._group_actions)
    if parser.epilog:
        lines += [mark_code(parser.epilog), '']
    return '\n'.join(lines)


def _table(parser: argparse.ArgumentParser, actions: Sequence[argparse.Action]) -> list[str]:
    rows = [_row(parser, action) for action in actions if action.default != argparse.SUPPRESS]
    return ['| argument | default | meaning |', '|---|---|---|', *rows, '']


def _row(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    # argparse itself says what follows an option, as in the usage that --help prints.
    values = parser._get_formatter()._format_args(action, action.dest.upper())
    values = '' if action.nargs == 0 else values.replace(' ...', ' …')
    names = [f'{name} {values}'.rstrip() for name in action.option_strings] or [values]
    default = '' if action.default in (None, False, []) else str(action.default)
    if 'default' in (action.help or ''):
        default = ''  # the text says more of it
    return as_row(', '.join(map(as_code, names)), as_code(default), mark_code(action.help or ''))
