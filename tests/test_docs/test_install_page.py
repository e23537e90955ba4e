"""docs/en/install.md names all extras, and the pages beside it what can be installed and copied."""

import configparser
import re

import pytest
from page_blocks import blocks
from repository import ROOT
from stack import mim_name

PAGE = (ROOT / 'docs/en/install.md').read_text()
PAGES = [*(ROOT / 'docs').rglob('*.md'), ROOT / 'README.md', ROOT / 'README_zh-CN.md']


def extras() -> dict[str, str]:
    """What each extra of setup.cfg brings, as it is written there."""
    config = configparser.ConfigParser()
    config.read(ROOT / 'setup.cfg')
    return dict(config['options.extras_require'])


def test_each_extra_is_told_of():
    table = re.search(r'^\| extra \|.*?\n\n', PAGE, re.M | re.S)[0]
    rows = dict(re.findall(r'^\| (`.*?`) \|.*\| (.*?) \|$', table, re.M))
    named = {name: brings for names, brings in rows.items() for name in re.findall(r'\w+', names)}
    assert named.keys() == extras().keys()
    for extra in ('analysis', 'accelerate', 'export', 'completion', 'bench'):
        packages = re.findall(r'^[a-z]+(?=>)', extras()[extra], re.M)
        assert packages
        assert set(packages) <= set(re.findall(r'\w+', named[extra].lower()))
    assert 'mmlth[accelerate,export,mnn]' in extras()['bench']  # "the three above"


def test_what_pages_install_has_these_extras():
    for page in PAGES:
        for names in re.findall(r"pip install '[^'\n]*\[([\w,]+)\]'", page.read_text()):
            assert set(names.split(',')) <= extras().keys(), page


@pytest.mark.parametrize(
    'name', ['install.md', 'get_started.md', 'how_to/downstream.md', 'how_to/export.md']
)
def test_nothing_is_looked_for_on_an_index(name):
    """Pages that users begin with give a path: no index has mmlth."""
    for language, block in blocks((ROOT / 'docs/en' / name).read_text()):
        if language == 'sh':
            assert not re.search(r"pip install '?mmlth", block)


def test_mim_has_this_name_for_mmdetection():
    assert f'`mim train {mim_name()}`' in PAGE


def test_each_family_of_configs_is_listed():
    page = (ROOT / 'docs/en/how_to/configs.md').read_text()
    families = {path.parent.name for path in (ROOT / 'configs/lth').glob('*/*.py')}
    assert set(re.findall(r'configs/lth/(\w+)/README\.md', page)) == families
