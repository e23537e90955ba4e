"""What stays of a search or a training beside its work_dir: its numbers, without weights."""

import csv
import json
from pathlib import Path

import mmlth_cli.main
from mmlth.ticket import write_bytes

TRAINING = 'training.json'
"""Of a ticket's training, when it is done: what it measured."""
CSVS = ('results.csv', 'cost.csv')
"""Of a search's report: accuracy by round; bytes and multiply-adds by ticket."""


def finished(folder: Path) -> bool:
    """Whether a search has done all of its rounds, or a training has ended.

    Args:
        folder: Its work_dir, or where `keep` copied its numbers.
    """
    if (folder / TRAINING).exists():
        return True
    path = folder / 'search.json'
    if not path.exists():
        return False
    state = json.loads(path.read_text(encoding='utf-8'))
    return len(state['rounds']) == len(state['schedule'])


def reported(work_dir: Path) -> bool:
    """Whether the report of a search tells of all its rounds: it is written after search.json."""
    rounds = len(json.loads((work_dir / 'search.json').read_text(encoding='utf-8'))['rounds'])
    return all(_rows(work_dir / 'report' / name) == rounds for name in CSVS)


def _rows(path: Path) -> int:
    if not path.exists():
        return 0
    with path.open(newline='', encoding='utf-8') as file:
        return sum(1 for _ in csv.DictReader(file))


def keep(work_dir: Path, folder: Path) -> bool:
    """Copies the numbers of a search or a training.

    Of a search's config as it was accepted nothing is copied, since it may name files of the
    machine; the settings that decide the result stay. ``search.json`` comes last, as it says that
    the rest is there.

    Args:
        work_dir: Of a finished search, branch or training.
        folder: Where to.

    Returns:
        Whether they are there; not without a report, which is tried once more.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if (work_dir / TRAINING).exists():
        write_bytes(folder / TRAINING, (work_dir / TRAINING).read_bytes())
        return True
    if not reported(work_dir):  # it was killed before it could
        mmlth_cli.main.main(['report', str(work_dir)])
        if not reported(work_dir):
            return False
    for name in CSVS:
        write_bytes(folder / name, (work_dir / 'report' / name).read_bytes())
    state = json.loads((work_dir / 'search.json').read_text(encoding='utf-8'))
    state.pop('accepted_config', None)
    text = json.dumps(state, indent=1, ensure_ascii=False) + '\n'
    write_bytes(folder / 'search.json', text.encode())
    return True
