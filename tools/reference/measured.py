"""What this repository has measured of a config: by studies, and on the page of results."""

import csv
import re
import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
STUDIES = ROOT / 'docs/studies'
SCRIPTS = ROOT / 'tools/study'
RESULTS = min(ROOT.glob('docs/**/results.md'))
_CONFIG = r'configs/lth/(\w+/\w+\.py)'
_MAIN = ('bbox_mAP', 'segm_mAP', 'AP', 'mIoU', 'accuracy/top1', 'train_loss')
"""What tickets are compared by, for boxes, masks, keypoints, label maps and pre-training."""


@dataclass(frozen=True)
class Row:
    """One sparsity of the searches by a config, over all seeds.

    Args:
        sparsity: Of the prunable weights, from 0 for the dense model to 1.
        metrics: By name, as a text; with a standard deviation over several seeds.
        seeds: How many searches.
        source: The page or folder that has the numbers, below the repository.
        script: What runs the searches, where that is no training command alone.
        macs: Multiply-adds of the network, where they were counted.
        ticket_bytes: The size of the ticket file, where it was kept.
    """

    sparsity: float
    metrics: dict[str, str]
    seeds: int
    source: str
    script: str | None = None
    macs: float | None = None
    ticket_bytes: float | None = None


def measured() -> dict[str, list[Row]]:
    """The rows of each config that has some, by its path below ``configs/lth/``."""
    rows: dict[str, list[Row]] = defaultdict(list)
    for config, row in [*_of_page(RESULTS), *_of_studies(STUDIES)]:
        rows[config].append(row)
    return rows


def _of_studies(folder: Path) -> Iterator[tuple[str, Row]]:
    """The searches of each study; their branches are in the tables of its page."""
    for script in sorted(SCRIPTS.glob('*.sh')):
        seeds = sorted((folder / script.stem).glob('seed_*/search.json'))
        if seeds:
            found = re.search(_CONFIG, script.read_text())
            if found is None:
                raise SystemExit(f'{script} trains no config of configs/lth, so no table names it')
            for row in _over_seeds([path.parent for path in seeds], script):
                yield found[1], row


def _over_seeds(seeds: Sequence[Path], script: Path) -> Iterator[Row]:
    rounds: dict[int, list[dict[str, str]]] = defaultdict(list)
    for seed in seeds:
        costs = {row['round']: row for row in _csv(seed / 'cost.csv')}
        for row in _csv(seed / 'results.csv'):
            rounds[int(row['round'])].append({**costs[row['round']], **row})
    for _, rows in sorted(rounds.items()):
        names = [name for name in rows[0] if _short(name) in _MAIN]
        yield Row(
            statistics.fmean(float(row['sparsity']) for row in rows),
            {_short(name): _spread([float(row[name]) for row in rows]) for name in names},
            len(rows),
            _below_root(seeds[0].parent),
            _below_root(script),
            statistics.fmean(int(row['sparse_macs']) for row in rows),
            statistics.fmean(int(row['ticket_file']) for row in rows),
        )


def _of_page(page: Path) -> Iterator[tuple[str, Row]]:
    """The tables of a page of results, each of which stands below its command."""
    demo = re.search(_CONFIG, (ROOT / 'Makefile').read_text())
    text = page.read_text().replace('`make demo`', f'`{demo[0]}`' if demo else '')
    for section in re.split(r'\n(?=## )', text):
        source = f'{_below_root(page)}#{_anchor(section)}'
        found: dict[str, list[Row]] = {}
        for command, table in re.findall(r'((?:^[^|\n].*\n|\n)+)((?:^\|.*\n)+)', section, re.M):
            header, _, *lines = [_cells(line) for line in table.splitlines()]
            if header[:2] == ['round', 'sparsity'] and (trained := re.search(_CONFIG, command)):
                # The last of several by one config is by the config as it is.
                found[trained[1]] = list(_by_round(header, lines, source))
            studied = re.search(rf'study\.py {_CONFIG}(?:.|\n)*?--seeds((?: \d)+)', command)
            if studied and all(re.fullmatch(r'\d+%', cell) for cell in header[1:]):
                seeds = len(studied[2].split())
                found[studied[1]] = list(_by_sparsity(header, lines, seeds, source))
        for config, rows in found.items():
            yield from ((config, row) for row in rows if row.metrics)


def _by_round(header: Sequence[str], lines: Sequence[Sequence[str]], source: str) -> Iterator[Row]:
    """A table with a row a round, by one seed."""
    for line in lines:
        cells = dict(zip(header, line))
        if cells['round'].isdigit():
            metrics = {_short(name): cells[name] for name in header if _short(name) in _MAIN}
            yield Row(float(cells['sparsity'].rstrip('%')) / 100, metrics, 1, source)


def _by_sparsity(
    header: Sequence[str], lines: Sequence[Sequence[str]], seeds: int, source: str
) -> Iterator[Row]:
    """A table with a column a sparsity, and a row for tickets among those of branches."""
    metric = _short(header[0])
    for line in lines:
        if line[0].startswith('dense '):
            yield Row(0.0, {metric: line[0].removeprefix('dense ')}, seeds, source)
        if line[0] == 'ticket':
            for column, cell in zip(header[1:], line[1:]):
                if cell != '–':
                    accuracy = {metric: cell.rstrip('*')}  # the mark of winning tickets
                    yield Row(float(column.rstrip('%')) / 100, accuracy, seeds, source)


def _below_root(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _short(name: str) -> str:
    return name.removeprefix('coco/')


def _spread(values: Sequence[float]) -> str:
    mean = f'{statistics.fmean(values):.3f}'
    return f'{mean} ± {statistics.stdev(values):.3f}' if len(values) > 1 else mean


def _anchor(section: str) -> str:
    title = section.partition('\n')[0].lstrip('# ').lower()
    return re.sub(r'[^\w\- ]', '', title).replace(' ', '-')


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip('|').split('|')]


def _csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline='', encoding='utf-8') as file:
        return list(csv.DictReader(file))
