"""What is transferred against direct pruning, from the numbers that a study keeps.

    python tools/study/transfers_table.py docs/studies/transfers boxes --metric coco/bbox_mAP

A row a line, a column a sparsity of the whole network: mean and standard deviation of the metric
over the seeds, and how it differs from another line, by default direct pruning: mean and standard
deviation of the differences seed by seed, and from three seeds on the p-value of a paired t-test.
Where that line is of a dense model, as ``dense`` and ``moco_dense``, all sparsities are compared
with it. A star: within one standard deviation of the dense model, or above, which is S1's winning;
two: of the dense model trained as long as the search, too.
"""

import argparse
import csv
import json
import statistics
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numbers_kept import TRAINING
from scipy.stats import ttest_rel

NEAR = 0.01
"""How far apart sparsities of a network may be that are compared."""
DIRECT, BACKBONE, DENSE, LONG_DENSE = 'direct', 'backbone', 'dense', 'long_dense'


@dataclass(frozen=True)
class Measured:
    """A ticket of one seed: its line, its sparsity of the whole network, its metric."""

    line: str
    seed: str
    sparsity: float
    metric: float


def read(folder: Path, target: str, metric: str) -> list[Measured]:
    """All that was measured of a target.

    Args:
        folder: The numbers of the study.
        target: Such as ``boxes``: its direct searches. Folders whose names begin with it and an
            underscore are of its other lines.
        metric: The name of the metric.

    Raises:
        KeyError: If the metric is missing.
    """
    measured = [
        each
        for seed in sorted((folder / target).glob('seed_*'))
        for each in _of_search(DIRECT, seed, metric)
    ]
    for line in sorted(folder.glob(f'{target}_*')):
        name = line.name.removeprefix(f'{target}_')
        for seed in sorted(line.glob('seed_*')):
            if name == BACKBONE:
                measured += [each for each in _of_search(name, seed, metric) if each.line != DENSE]
            for path in sorted(seed.glob(f'*/{TRAINING}')):
                numbers = _json(path)
                measured.append(
                    Measured(
                        name, seed.name, numbers['network_sparsity'], numbers['metrics'][metric]
                    )
                )
    return measured


def _of_search(line: str, folder: Path, metric: str) -> Iterator[Measured]:
    """The rounds of a search, and of what branches off from it."""
    for path in sorted(folder.glob('branches/*')):
        label = (_json(path / 'search.json')['branch'] or {}).get('label') or path.name
        yield from _rounds(label, path, folder.name, metric, 1)
    yield from _rounds(line, folder, folder.name, metric, 0)


def _rounds(line: str, folder: Path, seed: str, metric: str, first: int) -> Iterator[Measured]:
    with (folder / 'results.csv').open(newline='', encoding='utf-8') as file:
        for row in list(csv.DictReader(file))[first:]:
            name = line if first or int(row['round']) else DENSE
            yield Measured(name, seed, float(row['network_sparsity']), float(row[metric]))


def _json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding='utf-8'))
    return content


def by_level(measured: Sequence[Measured]) -> dict[float, dict[str, dict[str, float]]]:
    """The metrics by the sparsity of the network, line and seed.

    Args:
        measured: All of a target. The sparsities of direct pruning are the levels; what is further
            from each of them than `NEAR` is left out.
    """
    levels: dict[float, dict[str, dict[str, float]]] = {}
    for each in sorted(
        measured, key=lambda each: (each.line not in (DIRECT, DENSE), each.sparsity)
    ):
        close = [level for level in levels if abs(level - each.sparsity) < NEAR]
        if not close and each.line in (DIRECT, DENSE):
            close = [each.sparsity]
            levels[each.sparsity] = {}
        for level in close:
            levels[level].setdefault(each.line, {})[each.seed] = each.metric
    return dict(sorted(levels.items()))


def table(
    levels: Mapping[float, Mapping[str, Mapping[str, float]]], metric: str, against: str = DIRECT
) -> str:
    """The lines as Markdown, a column a level: the metric, its stars, the difference to a line."""
    models = levels.get(0.0, {})
    lines = sorted({line for of_level in levels.values() for line in of_level}, key=_order)
    rows = [[metric, *(f'{level:.1%}' for level in levels)], ['---', *['---:'] * len(levels)]]
    for line in lines:
        cells = [
            _cell(of_level[line], models, models.get(against) or of_level.get(against))
            if line in of_level
            else '–'
            for of_level in levels.values()
        ]
        rows.append([line, *cells])
    return '\n'.join(f'| {" | ".join(row)} |' for row in rows)


def _order(line: str) -> tuple[int, str]:
    first = (DENSE, DIRECT, BACKBONE)
    return (first.index(line) if line in first else len(first), line)


def _cell(
    values: Mapping[str, float],
    models: Mapping[str, Mapping[str, float]],
    other: Mapping[str, float] | None,
) -> str:
    won = [name for name in (DENSE, LONG_DENSE) if _wins(values, models.get(name, {}))]
    text = _spread(list(values.values()), '') + '*' * len(won)
    seeds = [seed for seed in values if seed in (other or {})]
    if not seeds or other is None or values is other:
        return text
    pairs = [values[seed] for seed in seeds], [other[seed] for seed in seeds]
    return f'{text} ({_spread([mine - its for mine, its in zip(*pairs)], "+")}{_test(*pairs)})'


def _wins(values: Mapping[str, float], model: Mapping[str, float]) -> bool:
    """Whether a line is within one standard deviation of another model, or better."""
    if values is model or len(model) < 2:
        return False
    least = statistics.fmean(model.values()) - statistics.stdev(model.values())
    return statistics.fmean(values.values()) >= least


def _test(mine: Sequence[float], its: Sequence[float]) -> str:
    """The p-value of a paired t-test, two-sided; less than three pairs say little."""
    if len(mine) < 3 or list(mine) == list(its):
        return ''
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', RuntimeWarning)  # of differences that are all alike
        p = ttest_rel(mine, its).pvalue
    return f', p {p:.3f}' if p >= 0.001 else ', p <0.001'


def _spread(values: Sequence[float], sign: str) -> str:
    mean = f'{statistics.fmean(values):{sign}.3f}'
    return f'{mean} ± {statistics.stdev(values):.3f}' if len(values) > 1 else mean


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('numbers', type=Path, help='the folder of the study')
    parser.add_argument('target', help='such as boxes')
    parser.add_argument('--metric', default='coco/bbox_mAP')
    parser.add_argument('--against', default=DIRECT, help='the line of the differences')
    options = parser.parse_args()
    measured = read(options.numbers, options.target, options.metric)
    if not measured:
        parser.error(f'{options.numbers} has no searches of {options.target}')
    print(table(by_level(measured), options.metric, options.against))


if __name__ == '__main__':
    main()
