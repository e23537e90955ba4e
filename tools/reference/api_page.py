"""The reference page of the Python API, from docstrings."""

import importlib
import inspect
import re
from collections.abc import Callable, Iterable
from typing import Any

from docstring_parts import Docstring, docstring_of
from reference_text import as_row, shown_default

NAME = 'python.md'
PARTS = {
    'Searches': (
        'mmlth.search',
        'mmlth.branch',
        'mmlth.targets',
        'mmlth.transfer',
        'mmlth.soup',
        'mmlth.base_config',
        'mmlth.base_lottery',
        'mmlth.LotteryError',
    ),
    'Tickets': (
        'mmlth.Ticket',
        'mmlth.load_ticket',
        'mmlth.save_ticket',
        'mmlth.with_initial',
        'mmlth.read_foreign',
        'mmlth.ticket.load_mask',
        'mmlth.ticket.TicketError',
    ),
    'Masks': (
        'mmlth.Mask',
        'mmlth.find_targets',
        'mmlth.prune',
        'mmlth.attach_mask',
        'mmlth.attached_mask',
        'mmlth.detach_mask',
        'mmlth.masked',
        'mmlth.pruning.count_macs',
        'mmlth.pruning.PruningError',
    ),
    'Speed': ('mmlth.accelerate',),
    'What you can write yourself': (
        'mmlth.pruning.Score',
        'mmlth.pruning.ScoreInputs',
        'mmlth.pruning.needing',
        'mmlth.pruning.Allocation',
        'mmlth.pruning.Pattern',
        'mmlth.pruning.Schedule',
        'mmlth.pruning.Control',
        'mmlth.pruning.Method',
        'mmlth.pruning.Moment',
    ),
    'Gaussian weights': (
        'mmlth.pruning.add_deviations',
        'mmlth.pruning.draw_weights',
        'mmlth.pruning.restore_means',
        'mmlth.pruning.add_prior_gradient',
        'mmlth.pruning.divergence',
    ),
    'Data': ('mmlth.data.make_shapes',),
}
"""What users call, by what it is for. All of ``mmlth.__all__`` is among it."""
_INTRODUCTION = """# Python API

<!-- Written by tools/reference/write_pages.py from docstrings; edit those. -->

What `mmlth` hands out, and what else these pages use. [From Python](../how_to/python.md) shows it
at work.
"""


def page() -> str:
    """The page as Markdown."""
    parts = ['\n'.join([f'## {title}', '', *map(_entry, names)]) for title, names in PARTS.items()]
    return '\n'.join([_INTRODUCTION, *parts])


def _entry(name: str) -> str:
    module, _, attribute = name.rpartition('.')
    obj = getattr(importlib.import_module(module), attribute)
    lines = [f'### `{name}`', '']
    if not (inspect.isclass(obj) and issubclass(obj, Exception)):
        lines += ['```python', _call(name, obj), '```', '']
    doc = docstring_of(obj)
    lines += _described(doc, obj)
    if inspect.isclass(obj):
        lines += _members(obj)
    return '\n'.join(lines)


def _described(doc: Docstring, obj: Any) -> list[str]:
    lines = [doc.text, '']
    for section in ('Args', 'Attributes'):
        if items := doc.items.get(section):
            types = _types(obj)
            rows = [as_row(f'`{name}`', types.get(name, ''), text) for name, text in items.items()]
            head = {'Args': 'argument', 'Attributes': 'attribute'}[section]
            lines += [f'| {head} | type | meaning |', '|---|---|---|', *rows, '']
    if 'Returns' in doc.sections:
        lines += [f'Returns: {doc.sections["Returns"]}', '']
    for error, text in doc.items.get('Raises', {}).items():
        lines += [f'Raises `{error}`: {text}', '']
    if 'Example' in doc.sections:
        lines += ['```python', doc.sections['Example'], '```', '']
    return lines


def _members(cls: type) -> list[str]:
    """Methods and properties of its own, each with its first paragraph."""
    rows = []
    for name, member in vars(cls).items():
        plain = member.__func__ if isinstance(member, (classmethod, staticmethod)) else member
        is_call = inspect.isfunction(plain)
        is_property = isinstance(plain, property) or hasattr(plain, 'attrname')
        if not (is_call or is_property) or (name.startswith('_') and name != '__call__'):
            continue
        doc = docstring_of(plain)
        shown = _call(name, plain).removesuffix(':') if is_call else name
        details = ' '.join(f'`{key}`: {text}' for key, text in doc.items.get('Args', {}).items())
        rows.append(as_row(f'`{shown}`', f'{doc.first_paragraph} {details}'.strip()))
    return ['| member | meaning |', '|---|---|', *rows, ''] if rows else []


def _call(name: str, obj: Callable[..., Any]) -> str:
    """The call with its defaults, in lines of at most 88 characters."""
    parameters = list(_parameters(obj))
    line = f'{name}({", ".join(parameters)})'
    if len(line) <= 88 or name == name.rpartition('.')[2]:
        return line
    return '\n'.join([f'{name}(', *(f'    {each},' for each in parameters), ')'])


def _parameters(obj: Callable[..., Any]) -> Iterable[str]:
    starred = False
    for parameter in inspect.signature(obj).parameters.values():
        if parameter.name in ('self', 'cls'):
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            starred = True
            yield '*'
        starred |= parameter.kind is parameter.VAR_POSITIONAL
        stars = {parameter.VAR_POSITIONAL: '*', parameter.VAR_KEYWORD: '**'}.get(parameter.kind, '')
        default = parameter.default
        if default is parameter.empty:
            yield f'{stars}{parameter.name}'
        else:
            yield f'{parameter.name}={shown_default(default)}'


def _types(obj: Callable[..., Any]) -> dict[str, str]:
    """What arguments are, by name, without the modules that types lie in."""
    annotations = {
        name: parameter.annotation
        for name, parameter in inspect.signature(obj).parameters.items()
        if parameter.annotation is not parameter.empty
    }
    if inspect.isclass(obj):
        annotations |= inspect.get_annotations(obj)
    return {
        name: f'`{re.sub(r"(?:[a-z_]+[.])+", "", inspect.formatannotation(each))}`'
        for name, each in annotations.items()
    }
