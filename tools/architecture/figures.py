"""What a tree is like in numbers: rooms, levels, sizes of files and functions."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from imports import LAYERS, levels, modules, room_of, rooms

_MOST_PARAMETERS = 5


def figures(package: Path) -> str:
    """A Markdown list of what matters to somebody who enters the tree.

    Args:
        package: The folder ``mmlth``.
    """
    known, graph = modules(package), rooms(package)
    folders = Counter(path.parent for path in known.values() if path.name != '__init__.py')
    folder, most = max(folders.items(), key=lambda item: (item[1], str(item[0])))
    engine = {
        room: {other for other in others if other.startswith('engine.')}
        for room, others in graph.items()
        if room.startswith('engine.')
    }
    functions = [function for path in known.values() for function in _functions(path)]
    length, longest = max((length, name) for name, length, _ in functions)
    wide = sorted(name for name, _, parameters in functions if parameters > _MOST_PARAMETERS)
    lines = Counter[str]()
    for module, path in known.items():
        layer = room_of(module, known).split('.')[0]
        lines[layer if layer in LAYERS else 'others'] += len(path.read_text().splitlines())
    return '\n'.join(
        [
            f'- files {len(known)}, folders {len(folders)}',
            f'- most files in a folder: {most} ({folder.relative_to(package.parent)})',
            f'- rooms of the engine {len(engine)}, levels {_levels(engine)}',
            f'- longest function: {length} lines ({longest})',
            f'- functions with more than {_MOST_PARAMETERS} parameters: {len(wide)}',
            f'- lines: {", ".join(f"{layer} {lines[layer]:,}" for layer in (*LAYERS, "others"))}',
        ]
    )


def _levels(graph: dict[str, set[str]]) -> str:
    try:
        return str(1 + max(levels(graph).values()))
    except ValueError as error:
        return f'none ({error})'


def _functions(path: Path) -> Iterator[tuple[str, int, int]]:
    """The name, lines with the docstring and parameters without self of each function."""
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            given = node.args
            names = [each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
            count = len([name for name in names if name not in ('self', 'cls')])
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            yield f'{path.stem}.{node.name}', length, count
