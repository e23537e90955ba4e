"""The site fits a screen and a phone in a real browser, and its languages link to each other."""

import re
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest
from browser import browse, needs_chromium
from repository import ROOT

PYTHON = ROOT / '.venv-docs/bin/python'
"""What `make site` builds with."""

ENGLISH, CHINESE = (
    [page.relative_to(folder).with_suffix('') for page in sorted(folder.rglob('*.md'))]
    for folder in (ROOT / 'docs/en', ROOT / 'docs/zh_cn')
)
PAGES = [*map(str, ENGLISH), *(f'zh_cn/{page}' for page in CHINESE)]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason='needs .venv-docs, which `make site` makes'),
]


@pytest.fixture(scope='module')
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('site')
    for pages, out in (('docs/en', folder), ('docs/zh_cn', folder / 'zh_cn')):
        build = [PYTHON, '-m', 'sphinx', '-q', '-E', '-d', out / 'read', ROOT / pages, out]
        subprocess.run(build, check=True)  # noqa: S603
    return folder


def test_links_from_language_to_language_lead_somewhere(site: Path) -> None:
    """Sphinx looks at those within a language."""
    for page in [site / 'index.html', *(site / 'zh_cn').glob('*.html')]:
        links = re.findall(r'href="((?:\.\./|zh_cn/)[^"#]*)(?:#([^"]*))?"', page.read_text())
        assert links or page.stem in ('genindex', 'search')
        for file, anchor in links:
            text = (page.parent / file).read_text()
            assert not anchor or f'id="{unquote(anchor)}"' in text, (page.name, file, anchor)


@needs_chromium
@pytest.mark.parametrize('width', [1280, 390])
@pytest.mark.parametrize('name', PAGES)
def test_nothing_is_wider_than_the_screen(site: Path, name: str, width: int) -> None:
    told, log = browse(site / f'{name}.html', width=width)
    assert told['width'] == width
    assert told['overflow'] == 0
    assert all(complete and drawn and named for complete, drawn, named in told['images'])
    assert 'Uncaught' not in log
