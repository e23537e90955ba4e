"""Search folders are read once a page, with their branches and tickets."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mmlth.report.searches import Round
from mmlth.report.writing import write_report
from mmlth_cli.main import main

pytestmark = pytest.mark.pages


@pytest.fixture
def work_dirs(search: list[Round], tmp_path: Path) -> list[Path]:
    """Two seeds, each with two branches."""
    folders = [tmp_path / 'seed_0', tmp_path / 'seed_1']
    for folder in folders:
        for name in ('.', 'branches/random', 'branches/reinit'):
            (folder / name).mkdir(parents=True, exist_ok=True)
            state = {'rounds': search, 'branch': None if name == '.' else {'label': None}}
            (folder / name / 'search.json').write_text(json.dumps(state))
    return folders


@pytest.fixture
def reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each ``search.json`` is read, and how often branches are looked for in a folder."""
    counts: Counter[str] = Counter()
    read_text, glob = Path.read_text, Path.glob

    def counted_read(path: Path, *args: Any, **kwargs: Any) -> str:
        if path.name == 'search.json':
            counts[str(path.relative_to(tmp_path))] += 1
        return read_text(path, *args, **kwargs)

    def counted_glob(path: Path, pattern: str, *args: Any, **kwargs: Any) -> Any:
        if 'branches' in pattern:
            counts[f'branches of {path.relative_to(tmp_path)}'] += 1
        return glob(path, pattern, *args, **kwargs)

    monkeypatch.setattr(Path, 'read_text', counted_read)
    monkeypatch.setattr(Path, 'glob', counted_glob)
    return counts


@pytest.mark.parametrize('command', [False, True])
def test_a_page_reads_each_search_and_looks_for_its_branches_once(
    work_dirs: list[Path], reads: Counter[str], command: bool
) -> None:
    if command:
        assert main(['report', *map(str, work_dirs), '--no-predictions']) == 0
    else:
        write_report(work_dirs)
    page = (work_dirs[0] / 'report/report.md').read_text()
    assert '## Answer' in page
    assert '| random' in page
    files = ('', 'branches/random/', 'branches/reinit/')
    expected = [f'{seed}/{folder}search.json' for seed in ('seed_0', 'seed_1') for folder in files]
    expected += ['branches of seed_0', 'branches of seed_1']
    assert reads == Counter(expected)
