"""Which packages of mmlth import which, read from the source without running it."""

import ast
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

LAYERS = ('commands', 'report', 'analysis', 'engine', 'ticket', 'runtime', 'pruning')
"""From the top to the bottom; nothing imports upwards."""
Graph = Mapping[str, set[str]]
"""For each room the rooms that it imports."""


def modules(package: Path) -> dict[str, Path]:
    """The files of a package by their dotted names; a folder's is that of its ``__init__``."""
    root = package.parent
    return {
        '.'.join(path.relative_to(root).with_suffix('').parts).removesuffix('.__init__'): path
        for path in sorted(package.rglob('*.py'))
    }


def imported(path: Path, known: Mapping[str, Path]) -> set[str]:
    """The modules that a file imports, also within functions.

    Args:
        path: The file.
        known: What counts, as `modules` gives it.
    """
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            within = {f'{node.module}.{alias.name}' for alias in node.names}
            names.update(within & known.keys())
            names.add(node.module)
    return names & known.keys()


def room_of(module: str, known: Mapping[str, Path]) -> str:
    """The room that a module is in: a package two below mmlth, or the file itself.

    Args:
        module: Its dotted name, such as ``mmlth.engine.rounds.plans``.
        known: As `modules` gives it.

    Returns:
        Such as ``engine.search``, or ``engine.errors`` for a file that is in no package of its
        layer; the layer alone for its ``__init__``.
    """
    parts = module.split('.')[1:]
    if len(parts) == 1 and known[module].name == '__init__.py':
        return parts[0]
    return '.'.join(parts[:2])


def rooms(package: Path) -> dict[str, set[str]]:
    """For each room of the layers the rooms that it imports.

    Args:
        package: The folder ``mmlth``.
    """
    known = modules(package)
    graph: dict[str, set[str]] = defaultdict(set)
    for module, path in known.items():
        room = room_of(module, known)
        if room.split('.')[0] not in LAYERS or room in LAYERS:
            continue  # the __init__ of a layer hands out what its rooms have
        graph[room] |= {room_of(name, known) for name in imported(path, known)} - {room}
    return {
        room: {other for other in others if other in graph}
        for room, others in sorted(graph.items())
    }


def levels(graph: Graph) -> dict[str, int]:
    """How far each room is above those that import nothing.

    Raises:
        ValueError: If rooms import each other in a circle; the message names one.
    """
    heights: dict[str, int] = {}

    def level(room: str, above: tuple[str, ...]) -> int:
        if room in above:
            raise ValueError(f'a circle of imports: {" → ".join([*above, room])}')
        if room not in heights:
            below = [level(other, (*above, room)) for other in sorted(graph[room])]
            heights[room] = 1 + max(below, default=-1)
        return heights[room]

    for room in graph:
        level(room, ())
    return heights


def reduced(graph: Graph) -> dict[str, set[str]]:
    """The graph without arrows that a longer way makes superfluous.

    Args:
        graph: Without circles.
    """
    reached = {room: _reached(graph, graph[room]) for room in graph}
    return {
        room: {
            other
            for other in others
            if not any(other in reached[between] for between in others - {other})
        }
        for room, others in graph.items()
    }


def _reached(graph: Graph, start: Iterable[str]) -> set[str]:
    seen: set[str] = set()
    todo = list(start)
    while todo:
        room = todo.pop()
        if room not in seen:
            seen.add(room)
            todo.extend(graph[room])
    return seen
