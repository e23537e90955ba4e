"""Accuracy against what it costs to train, from the numbers that a study keeps.

    python tools/study/cost_table.py docs/studies/bccd_cheap --levels .8 .9 .95 --plot cost.png

A row a line: for each level its metric over the seeds, and its cost in dense trainings: of
everything that must be trained for a ticket of that sparsity, the dense round included where it is
needed. The searches themselves are called ``ticket``. A star: within one standard deviation of
these, or better; two: for half their cost or less. Controls are no way to a ticket, and left out.
On the plot a step joins the lines of which no other one is both cheaper and better.
"""

import argparse
import json
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

from mmlth.engine.state import first_iteration
from mmlth.report.kit import COLOURS, despine, figure_at

State = Mapping[str, Any]
"""A search.json."""
SEARCH = 'ticket'
"""The line of the searches themselves."""
_PLACES: tuple[dict[str, Any], ...] = (
    {'xytext': (4, 3)},
    {'xytext': (4, -8)},
    {'xytext': (-4, 3), 'ha': 'right'},
    {'xytext': (-4, -8), 'ha': 'right'},
)
"""Where a point's name may stand, the first free one is taken."""
NEAR = 0.005
"""How far a ticket's sparsity may be from its level, as patterns of whole units need it."""


@dataclass(frozen=True)
class Measured:
    """A line at a level, of one seed."""

    line: str
    level: float
    metric: float
    cost: float


@dataclass(frozen=True)
class Point:
    """A line at a level, over the seeds: the metrics, and the mean of the costs."""

    line: str
    metrics: tuple[float, ...]
    cost: float

    @property
    def mean(self) -> float:
        """Of the metric."""
        return statistics.fmean(self.metrics)

    @property
    def spread(self) -> float:
        """The standard deviation of the metric; 0 of one seed."""
        return statistics.stdev(self.metrics) if len(self.metrics) > 1 else 0.0

    def stars(self, full: 'Point') -> str:
        """One if it is as good as ``full``, two if it costs half as much or less, too."""
        if self is full or self.mean < full.mean - full.spread:
            return ''
        return '**' if self.cost <= full.cost / 2 else '*'

    def __str__(self) -> str:
        """Mean and deviation."""
        spread = f' ± {self.spread:.3f}' * (len(self.metrics) > 1)
        return f'{self.mean:.3f}{spread}'


def read_seed(folder: Path, metric: str, levels: Sequence[float]) -> Iterator[Measured]:
    """The tickets of a search and of its branches.

    Args:
        folder: The numbers of the search, those of its branches below.
        metric: The name of the metric.
        levels: The sparsities at which lines are compared.

    Raises:
        FileNotFoundError: If a search.json is missing.
        KeyError: If the metric is.
    """
    search = read_state(folder)
    yield from _of_line(SEARCH, search, search, metric, levels)
    for path in sorted(folder.glob('branches/*/search.json')):
        state = read_state(path.parent)
        branch = state['branch'] or {}
        if branch.get('control') is None:
            line = branch.get('label') or path.parent.name
            yield from _of_line(line, state, search, metric, levels)
    soups = folder / 'soups.json'
    for soup in json.loads(soups.read_text(encoding='utf-8')) if soups.exists() else ():
        for level in _near(soup, levels):
            cost = soup['iterations'] / search['rounds'][0]['iter']
            yield Measured('soup', level, soup['metrics'][metric], cost)


def _near(round_: Mapping[str, Any], levels: Sequence[float]) -> list[float]:
    """The level that a ticket is of, if it is of one."""
    return [level for level in levels if abs(round_['sparsity'] - level) < NEAR]


def _of_line(
    line: str, state: State, search: State, metric: str, levels: Sequence[float]
) -> Iterator[Measured]:
    rounds, lottery = state['rounds'], state['config']['lottery']
    cut_short = any(lottery.get(key) is not None for key in ('round_length', 'early_bird'))
    whole = search['rounds'][0]['iter']
    for index in range(1, len(rounds)):
        if cut_short and index < len(rounds) - 1:
            continue
        for level in _near(rounds[index], levels):
            cost = iterations(state, index) / whole
            yield Measured(line, level, rounds[index]['metrics'][metric], cost)


def iterations(state: State, index: int) -> int:
    """How many iterations must be trained for the ticket of a round.

    Args:
        state: The search or branch.
        index: The index of the round.
    """
    first, rounds = first_iteration(state['rewind']), state['rounds']
    trained = [r.get('iterations', r['iter'] - (first if i else 0)) for i, r in enumerate(rounds)]
    if state['config']['lottery'].get('method') is not None:  # from the rewind step, by itself
        return first + int(trained[index])
    return int(sum(trained[: index + 1]))


def joined(measured: Sequence[Measured]) -> dict[float, list[Point]]:
    """The lines of each level, in order of appearance.

    Args:
        measured: Those of all seeds.
    """
    groups: dict[tuple[float, str], list[Measured]] = defaultdict(list)
    for each in measured:
        groups[each.level, each.line].append(each)
    points: dict[float, list[Point]] = defaultdict(list)
    for (level, line), group in groups.items():
        cost = statistics.fmean(each.cost for each in group)
        points[level].append(Point(line, tuple(each.metric for each in group), cost))
    return dict(sorted(points.items()))


def front(points: Sequence[Point]) -> list[Point]:
    """The points of which no other one is as cheap and as good, the cheapest first."""
    best: list[Point] = []
    for point in sorted(points, key=lambda each: (each.cost, -each.mean)):
        if not best or point.mean > best[-1].mean:
            best.append(point)
    return best


def table(points: Mapping[float, Sequence[Point]], metric: str) -> str:
    """The lines as Markdown, a column a level."""
    lines = list(dict.fromkeys(point.line for level in points.values() for point in level))
    cells = {
        (level, point.line): f'{point}{point.stars(full)} ({point.cost:.2f})'
        for level, of_level in points.items()
        for full in [next(point for point in of_level if point.line == SEARCH)]
        for point in of_level
    }
    rows = [[f'{metric} (cost)', *(f'{level:.0%}' for level in points)]]
    rows.append(['---', *['---:'] * len(points)])
    rows += [[line, *(cells.get((level, line), '–') for level in points)] for line in lines]
    return '\n'.join(f'| {" | ".join(row)} |' for row in rows)


def plot(points: Mapping[float, Sequence[Point]], metric: str, path: Path) -> None:
    """Draws a panel a level: the metric against the cost, with the front.

    The band is what the searches reach, by a standard deviation; the dotted line half their cost.

    Args:
        points: The lines of each level.
        metric: The name of the metric.
        path: The file to write, PNG or SVG.
    """
    with figure_at(path, 4.2 * len(points), 4.2) as drawing:
        panels = drawing.subplots(1, len(points), squeeze=False)[0]
        for axes, (level, of_level) in zip(panels, points.items()):
            _draw(axes, of_level)
            axes.set(title=f'{level:.0%}', xlabel='cost in dense trainings')
        panels[0].set_ylabel(metric)
        drawing.draw_without_rendering()  # so that places on the page are known
        for axes, of_level in zip(panels, points.values()):
            _label(axes, of_level)


def _draw(axes: Axes, points: Sequence[Point]) -> None:
    for point in points:
        axes.errorbar(
            point.cost, point.mean, point.spread, fmt='o', markersize=4, capsize=2, color='black'
        )
    axes.margins(x=0.15)
    steps = front(points)
    axes.step([p.cost for p in steps], [p.mean for p in steps], where='post', color=COLOURS[0])
    full = next((point for point in points if point.line == SEARCH), None)
    if full is not None:
        low, high = full.mean - full.spread, full.mean + full.spread
        axes.axhspan(low, high, color='#eeeeee', zorder=0)
        axes.axvline(full.cost / 2, color='#aaaaaa', linestyle=':')
    despine(axes)


def _label(axes: Axes, points: Sequence[Point]) -> None:
    """Names the points, each beside its own where no other name is yet."""
    taken: list[Bbox] = []
    for point in sorted(points, key=lambda each: -each.mean):
        for place in _PLACES:
            at = {'textcoords': 'offset points', 'fontsize': 7, **place}
            name = axes.annotate(point.line, (point.cost, point.mean), **at)
            box = name.get_window_extent()
            if not any(box.overlaps(other) for other in taken) or place is _PLACES[-1]:
                taken.append(box)
                break
            name.remove()


def read_state(folder: Path) -> dict[str, Any]:
    """The search.json of a search or branch.

    Args:
        folder: Its work_dir, or where its numbers are kept.
    """
    state: dict[str, Any] = json.loads((folder / 'search.json').read_text(encoding='utf-8'))
    return state


def main() -> None:
    """Prints the table of a study, and draws it."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('folder', type=Path, help='where study.py --numbers kept them')
    parser.add_argument('--metric', default='coco/bbox_mAP')
    parser.add_argument('--levels', type=float, nargs='+', default=[0.8, 0.9, 0.95])
    parser.add_argument('--plot', type=Path, help='a PNG to draw')
    options = parser.parse_args()
    seeds = sorted(options.folder.glob('seed_*'))
    if not seeds:
        parser.error(f'{options.folder} has no seed_* of a study; give what --numbers named')
    measured = [e for seed in seeds for e in read_seed(seed, options.metric, options.levels)]
    points = joined(measured)
    print(table(points, options.metric))
    if options.plot:
        plot(points, options.metric, options.plot)


if __name__ == '__main__':
    main()
