"""Draws the picture of the architecture: layers and rooms, with an arrow for each import.

    python tools/architecture/draw.py             writes the picture
    python tools/architecture/draw.py --figures   prints what the tree is like in numbers

An arrow that a longer way makes superfluous is left out.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from figures import figures
from imports import LAYERS, Graph, levels, modules, reduced, room_of, rooms

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / 'docs/en/project/architecture.svg'
_WIDTH, _MARGIN, _LABEL = 1040, 16, 96
_BOX, _ROW, _GAP = 40, 68, 12
_COLORS = {
    'commands': '#f3e8ff',
    'report': '#e0f2fe',
    'analysis': '#dcfce7',
    'engine': '#fef3c7',
    'ticket': '#ffe4e6',
    'runtime': '#ffedd5',
    'pruning': '#e2e8f0',
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line ``argv`` (default: the process's); returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or '').split('\n')[0])
    parser.add_argument('--figures', action='store_true', help='print numbers, write no picture')
    parser.add_argument('--package', type=Path, default=ROOT / 'mmlth', help='default: mmlth here')
    options = parser.parse_args(argv)
    if options.figures:
        print(figures(options.package))
    else:
        PICTURE.write_text(picture(options.package), encoding='utf-8')
        print(PICTURE.relative_to(ROOT))
    return 0


def picture(package: Path) -> str:
    """The picture as SVG, the same for the same imports.

    Args:
        package: The folder ``mmlth``.
    """
    graph = rooms(package)
    files = _files(package)
    parts: list[str] = []
    places: dict[str, tuple[float, float, float]] = {}
    top = _MARGIN
    for layer in LAYERS:
        within = {
            room: {other for other in others if other.split('.')[0] == layer}
            for room, others in graph.items()
            if room.split('.')[0] == layer
        }
        height = _band(layer, within, files, top, parts, places)
        top += height + _GAP
    arrows = [_arrow(places[a], places[b]) for a, b in _arrows(graph)]
    style = (
        'text{font:13px ui-sans-serif,system-ui,sans-serif;fill:#111}'
        '.layer{font-weight:700;font-size:15px}.count{font-size:11px;fill:#555}'
        'path{fill:none;stroke:#64748b;stroke-width:1.2}'
    )
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top}" role="img" '
        f'aria-label="Layers and rooms of mmlth, and what each imports">\n<style>{style}</style>\n'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" style="fill:#64748b;stroke:none"/>'
        '</marker></defs>\n'
        f'<rect width="{_WIDTH}" height="{top}" fill="#fff"/>'
    )
    bands = [part for part in parts if part.startswith('<rect class="band"')]
    boxes = [part for part in parts if part not in bands]
    return '\n'.join([head, *bands, *arrows, *boxes, '</svg>', ''])


def _files(package: Path) -> dict[str, int]:
    """The number of files of each room, without its ``__init__``; 0: it is one file, no folder."""
    known = modules(package)
    counts: dict[str, int] = {}
    for module, path in known.items():
        room = room_of(module, known)
        within = module.count('.') > room.count('.') + 1 and path.name != '__init__.py'
        counts[room] = counts.get(room, 0) + within
    return counts


def _arrows(graph: Graph) -> list[tuple[str, str]]:
    """What is drawn: within a layer each reduced arrow; between layers they are implied."""
    return [
        (room, other)
        for room, others in reduced(_within_layers(graph)).items()
        for other in sorted(others)
    ]


def _within_layers(graph: Graph) -> dict[str, set[str]]:
    return {
        room: {other for other in others if other.split('.')[0] == room.split('.')[0]}
        for room, others in graph.items()
    }


def _band(
    layer: str,
    graph: Graph,
    files: Mapping[str, int],
    top: float,
    parts: list[str],
    places: dict[str, tuple[float, float, float]],
) -> float:
    """Draws a layer with its rooms by level; returns its height."""
    level = levels(graph)
    rows = [
        [room for room in sorted(graph) if level[room] == wanted]
        for wanted in range(max(level.values()), -1, -1)
    ]
    rows = [part for row in rows for part in _wrapped(row)]
    height = len(rows) * _ROW + _GAP
    parts.append(
        f'<rect class="band" x="{_MARGIN}" y="{top}" width="{_WIDTH - 2 * _MARGIN}" '
        f'height="{height}" rx="10" fill="{_COLORS[layer]}"/>'
    )
    parts.append(f'<text class="layer" x="{_MARGIN + 12}" y="{top + 26}">{layer}</text>')
    for index, row in enumerate(rows):
        y = top + _GAP + index * _ROW + (_ROW - _BOX) / 2 - _GAP / 2
        width = (_WIDTH - 2 * _MARGIN - _LABEL - _GAP) / len(row)
        for column, room in enumerate(row):
            x = _MARGIN + _LABEL + column * width + width / 2
            half = min(width - _GAP, 150) / 2
            places[room] = (x, y, half)
            parts.append(_box(room.split('.')[1], files[room], x, y, half))
    return height


def _box(name: str, files: int, x: float, y: float, half: float) -> str:
    frame = (
        f'<rect x="{x - half:g}" y="{y:g}" width="{2 * half:g}" height="{_BOX}" rx="6" '
        'fill="#fff" stroke="#475569"/>'
    )
    middle = f'x="{x:g}" text-anchor="middle"'
    if files == 0:
        return f'<g>{frame}<text {middle} y="{y + 25:g}">{escape(name)}.py</text></g>'
    return (
        f'<g>{frame}<text {middle} y="{y + 17:g}">{escape(name)}</text>'
        f'<text class="count" {middle} y="{y + 32:g}">{files} files</text></g>'
    )


def _wrapped(row: list[str], most: int = 6) -> list[list[str]]:
    """A row of at most so many boxes in each line."""
    lines = -(-len(row) // most)
    length = -(-len(row) // lines)
    return [row[start : start + length] for start in range(0, len(row), length)]


def _arrow(above: tuple[float, float, float], below: tuple[float, float, float]) -> str:
    (x, y, _), (u, v, _) = above, below
    start, end = y + _BOX, v - 1
    bend = max(24.0, (end - start) * 0.45)
    return (
        f'<path d="M{x:g} {start:g}C{x:g} {start + bend:g} {u:g} {end - bend:g} {u:g} {end:g}" '
        'marker-end="url(#tip)"/>'
    )


if __name__ == '__main__':
    sys.exit(main())
