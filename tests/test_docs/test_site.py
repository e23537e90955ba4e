"""The site fits a screen and a phone, in a real browser."""

import subprocess
from pathlib import Path

import pytest
from browser import browse, needs_chromium
from repository import ROOT

PYTHON = ROOT / '.venv-docs/bin/python'
"""What `make site` builds with."""

pytestmark = [
    needs_chromium,
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason='needs .venv-docs, which `make site` makes'),
]


@pytest.fixture(scope='module')
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('site')
    build = [PYTHON, '-m', 'sphinx', '-q', '-E', '-d', folder / 'read', ROOT / 'docs/en', folder]
    subprocess.run(build, check=True)  # noqa: S603
    return folder


@pytest.mark.parametrize('width', [1280, 390])
@pytest.mark.parametrize('name', ['index', 'how_to/prune', 'reference/commands'])
def test_nothing_is_wider_than_the_screen(site: Path, name: str, width: int) -> None:
    told, log = browse(site / f'{name}.html', width=width)
    assert told['width'] == width
    assert told['overflow'] == 0
    assert all(complete and drawn and named for complete, drawn, named in told['images'])
    assert 'Uncaught' not in log
