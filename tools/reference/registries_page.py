"""The reference page of what is registered, from the registries."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from docstring_parts import docstring_of
from reference_text import as_code, as_row, shown_default

from mmlth.engine.settings.members import (
    ALLOCATION,
    CONTROL,
    METHOD,
    PATTERN,
    SCHEDULE,
    SCORE,
    MemberKind,
)
from mmlth.pruning.predictors import PREDICTORS
from mmlth.registry import HOOKS, MODELS, RUNNERS

NAME = 'registries.md'
KINDS = {
    'Scores': (SCORE, 'SCORES', 'What ranks the weights: the higher, the longer one is kept.'),
    'Allocations': (ALLOCATION, 'ALLOCATIONS', 'How a number of weights is spread over layers.'),
    'Patterns': (PATTERN, 'PATTERNS', 'The shape in which weights are removed.'),
    'Schedules': (SCHEDULE, 'SCHEDULES', 'How many weights each round keeps.'),
    'Methods': (METHOD, 'METHODS', 'What prunes while one training runs, in place of rounds.'),
    'Controls': (CONTROL, 'CONTROLS', 'What a ticket is compared with.'),
}
_INTRODUCTION = """# What is registered

<!-- Written by tools/reference/write_pages.py from the registries and docstrings; edit those. -->

The names that a config can give, and the options of each. A name stands for itself, `'snip'`, or in
a dict with options, `dict(type='snip', batches=4)`. On the command line that is `snip,batches=4`.
[Choose what to prune](../how_to/prune.md) tells when to take which, and [a repository of your
own](../how_to/downstream.md) how to register more.
"""


def page() -> str:
    """The page as Markdown."""
    parts = [_kind(title, *kind) for title, kind in KINDS.items()]
    return '\n'.join([_INTRODUCTION, *parts, _hooks(), _others(), _predictors()])


def _kind(title: str, kind: MemberKind, registry: str, what: str) -> str:
    members = kind.registry.module_dict
    head = f'{what} Key: `lottery.{kind.key}`. Registry: `mmlth.registry.{registry}`.'
    return '\n'.join([f'## {title}', '', head, '', *_entries(members, kind.given), ''])


def _hooks() -> str:
    HOOKS.import_from_location()
    head = (
        "For `custom_hooks` of any config, as `dict(type='mmlth.MaskHook', …)`. Registry: "
        '`mmlth.registry.HOOKS`.'
    )
    members = {f'mmlth.{name}': hook for name, hook in sorted(HOOKS.module_dict.items())}
    return '\n'.join(['## Hooks', '', head, '', *_entries(members, 0), ''])


def _others() -> str:
    for registry in (RUNNERS, MODELS):
        registry.import_from_location()
    runners = {f'mmlth.{name}': each for name, each in RUNNERS.module_dict.items()}
    models = ', '.join(f'`mmlth.{name}`' for name in MODELS.module_dict)
    return '\n'.join(
        [
            '## Runners',
            '',
            'For `runner_type`. Registry: `mmlth.registry.RUNNERS`.',
            '',
            *_entries(runners, None),
            '',
            '## Masked layers',
            '',
            'For `conv_cfg` and the like; a search makes them by itself. Each is the stock layer '
            f'under a mask. Registry: `mmlth.registry.MODELS`. There are {models}.',
            '',
        ]
    )


def _predictors() -> str:
    rows = [
        as_row(f'`{head}`', ', '.join(map(as_code, paths))) for head, paths in PREDICTORS.items()
    ]
    head = (
        'The layers whose output is the prediction itself stay dense, unless '
        '`lottery.targets.predictors` is true. They are looked up by the class of the head, or of '
        'one that it derives from; `-1` is the last layer of a sequence. '
        '`mmlth/pruning/predictors.py` has the reasons.'
    )
    table = ['| class | layers |', '|---|---|', *rows]
    return '\n'.join(['## Final predictors', '', head, '', *table, ''])


def _entries(members: Mapping[str, Any], given: int | None) -> list[str]:
    """A heading a member, with what it is and its options.

    Args:
        members: By name.
        given: How many arguments mmlth gives a function; None: no options are shown.
    """
    lines: list[str] = []
    for name, member in members.items():
        options = [] if given is None else _options(member, given)
        lines += [f'### `{name}`', '', docstring_of(member).text, '']
        lines += [*options, ''] if options else []
    return lines[:-1]


def _options(member: Callable[..., Any], given: int) -> list[str]:
    parameters = list(inspect.signature(member).parameters.values())
    meanings = _meanings(member)
    shown = []
    for each in parameters[0 if inspect.isclass(member) else given :]:
        if each.kind is each.VAR_KEYWORD:
            text = f'**{each.name}'
        else:
            text = each.name if each.default is each.empty else _with_default(each)
        if not text.endswith('...'):  # what mmlth fills in
            shown.append(f'- `{text}`: {meanings[each.name]}')
    return shown


def _with_default(parameter: inspect.Parameter) -> str:
    return f'{parameter.name}={shown_default(parameter.default)}'


def _meanings(member: Callable[..., Any]) -> dict[str, str]:
    """What a docstring says of each option, or that of a class above."""
    found: dict[str, str] = {}
    for each in reversed(member.__mro__[:-1]) if inspect.isclass(member) else [member]:
        if each.__doc__:
            items = docstring_of(each).items
            found |= items.get('Args', {}) | items.get('Attributes', {})
    return found
