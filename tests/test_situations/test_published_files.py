"""What is passed on tells nothing of the machine that it was made on."""

import json
from pathlib import Path

import pytest
import zstandard
from kit import shapes_options
from pages import whole_reports
from repository import DEMO

import mmlth
from mmlth.data import make_shapes
from mmlth.report.page.places import shown, without_places
from mmlth.ticket import load_info
from mmlth_cli.main import main


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    """A search, a branch, and all that commands make of them, by absolute paths throughout."""
    root = tmp_path_factory.mktemp('home_of_somebody')
    make_shapes(root, train=4, val=2)
    options = {
        **shapes_options(root),
        'train_cfg.max_epochs': 2,
        'train_cfg.val_interval': 1,
        'root': str(root),
    }
    work_dir = root / 'work'
    mmlth.search(
        DEMO, work_dir=work_dir, cfg_options=options, rounds=1, checkpoints='both', rewind='0'
    )
    with whole_reports():
        mmlth.branch(work_dir, 'random')
        assert main(['report', str(work_dir)]) == 0
    tickets = [str(work_dir / f'tickets/round_{index:02}.safetensors') for index in (0, 1)]
    given = [f'--work-dir={root / "analysis"}']
    assert main(['analyze', str(work_dir / 'search.json'), *tickets, *given]) == 0
    return root


def texts(path):
    """What a file says, to whoever reads all of it."""
    raw = path.read_bytes()
    yield raw
    if path.suffix == '.safetensors':
        yield json.dumps(load_info(path), default=str).encode()
    if path.suffix == '.zst':
        yield zstandard.ZstdDecompressor().decompress(raw)


def test_no_absolute_path_is_told(root):
    folders = ['work/tickets', 'work/report', 'work/branches/random/tickets', 'analysis']
    folders += ['work/branches/random/report']
    files = [path for folder in folders for path in (root / folder).rglob('*') if path.is_file()]
    files += root.glob('work/**/epoch_*.safetensors')
    kinds = {path.suffix for path in files}
    assert {'.html', '.md', '.csv', '.png', '.svg', '.jpg', '.zst', '.safetensors'} <= kinds
    places = {str(Path.home()), str(Path.cwd()), str(root), root.name}
    for path in files:
        for text in texts(path):
            # Not '/': that a home may be where there is none else.
            told = [place for place in places if len(place) > 1 and place.encode() in text]
            assert not told, path


def test_errors_on_pages_are_shortened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    work = tmp_path / 'work'
    told = f"[Errno 2] No such file: '{work}/tickets/a.safetensors' and '/home/me/data/b.json'"
    wanted = "[Errno 2] No such file: 'work/tickets/a.safetensors' and '…/b.json'"
    assert without_places(told, [work]) == wanted
    assert without_places(told) == wanted  # being below the current folder
    same = 'boxes and/or masks; see https://a.org/b/c.html, 1 / 2, coco/AP, ~ 3/4'
    assert without_places(same) == same
    assert shown(work) == 'work'
    assert shown('/home/me/x.pth') == 'x.pth'
    assert shown('https://a.org/b.pth') == 'https://a.org/b.pth'
    assert shown(tmp_path) == tmp_path.name
