"""Accuracy against weights and multiply-adds, from the numbers that a study keeps.

    python tools/study/macs_table.py docs/studies/bccd_macs

A row a line and round, over the seeds: the share of the prunable weights that is left, the share of
the whole network's multiply-adds, the metric; and where `milliseconds.py` measured tickets, how
long their networks take on one thread. The searches themselves are called ``ticket``.
"""

import argparse
import csv
import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Measured:
    """A round of one seed: shares in [0, 1], the metric, and milliseconds if they were measured."""

    line: str
    round: int
    weights_left: float
    macs_left: float
    metric: float
    milliseconds: float | None = None


def read_seed(folder: Path, metric: str) -> Iterator[Measured]:
    """The rounds of a search and of its branches.

    Args:
        folder: The numbers of the search, those of its branches below.
        metric: The name of the metric.

    Raises:
        FileNotFoundError: If a file is missing.
        KeyError: If the metric or the multiply-adds are.
    """
    branches = sorted(path for path in (folder / 'branches').glob('*') if path.is_dir())
    for line, place in [('ticket', folder), *((path.name, path) for path in branches)]:
        costs = {int(row['round']): row for row in _rows(place / 'cost.csv')}
        path = place / 'milliseconds.csv'
        times = {
            int(row['round']): float(row['mmlth_ms'])
            for row in (_rows(path) if path.exists() else ())
            if row['threads'] == '1'
        }
        for row in _rows(place / 'results.csv'):
            number = int(row['round'])
            if number == 0 and line != 'ticket':
                continue  # the dense round that it shares with its search
            cost = costs[number]
            yield Measured(
                'dense' if number == 0 else line,
                number,
                1 - float(row['sparsity']),
                int(cost['sparse_macs']) / int(cost['dense_macs']),
                float(row[metric]),
                times.get(number),
            )


def table(measured: Sequence[Measured], metric: str) -> str:
    """The rows as Markdown, lines in order of appearance.

    Args:
        measured: The rounds of all seeds.
        metric: The name of the metric.
    """
    groups: dict[tuple[str, int], list[Measured]] = defaultdict(list)
    for each in measured:
        groups[each.line, each.round].append(each)
    header = ['line', 'weights left', 'MACs left', metric, 'seeds']
    if timed := any(each.milliseconds for each in measured):
        header.append('ms, accelerated')
    rows = [header, ['---', *['---:'] * (len(header) - 1)]]
    for (line, _), group in groups.items():
        weights = statistics.fmean(each.weights_left for each in group)
        macs = statistics.fmean(each.macs_left for each in group)
        values = [each.metric for each in group]
        spread = f' ± {statistics.stdev(values):.3f}' if len(values) > 1 else ''
        accuracy = f'{statistics.fmean(values):.3f}{spread}'
        row = [line, f'{weights:.1%}', f'{macs:.1%}', accuracy, str(len(group))]
        if timed:
            times = [each.milliseconds for each in group if each.milliseconds]
            row.append(f'{statistics.fmean(times):.1f}' if times else '–')
        rows.append(row)
    return '\n'.join(f'| {" | ".join(row)} |' for row in rows)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline='', encoding='utf-8') as file:
        return list(csv.DictReader(file))


def main() -> None:
    """Prints the table of a study."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('folder', type=Path, help='where study.py --numbers kept them')
    parser.add_argument('--metric', default='coco/bbox_mAP')
    options = parser.parse_args()
    seeds = sorted(options.folder.glob('seed_*'))
    if not seeds:
        parser.error(f'{options.folder} has no seed_* of a study; give what --numbers named')
    measured = [each for seed in seeds for each in read_seed(seed, options.metric)]
    print(table(measured, options.metric))


if __name__ == '__main__':
    main()
