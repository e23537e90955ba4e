"""What stays of a search beside its work_dir: its numbers, without weights."""

import json
from pathlib import Path

from mmlth.ticket import write_bytes

CSVS = ('results.csv', 'cost.csv')
"""Of a search's report: accuracy by round; bytes and multiply-adds by ticket."""


def finished(folder: Path) -> bool:
    """Whether a search has done all of its rounds.

    Args:
        folder: Its work_dir, or where `keep_numbers` copied its numbers.
    """
    path = folder / 'search.json'
    if not path.exists():
        return False
    state = json.loads(path.read_text(encoding='utf-8'))
    return len(state['rounds']) == len(state['schedule'])


def keep_numbers(work_dir: Path, folder: Path) -> None:
    """Copies the numbers of a search.

    The config as it was accepted is left out, since it may name files of the machine; the settings
    that decide the result stay. ``search.json`` comes last, as it says that the rest is there.

    Args:
        work_dir: Of a finished search or branch.
        folder: Where to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in CSVS:
        path = work_dir / 'report' / name
        if path.exists():
            write_bytes(folder / name, path.read_bytes())
    state = json.loads((work_dir / 'search.json').read_text(encoding='utf-8'))
    state.pop('accepted_config', None)
    text = json.dumps(state, indent=1, ensure_ascii=False) + '\n'
    write_bytes(folder / 'search.json', text.encode())
