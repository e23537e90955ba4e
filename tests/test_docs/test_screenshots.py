"""Pictures of a report are taken section by section, and those of the pages are small."""

import cv2
import pytest
from browser import needs_chromium
from converters import load_script
from repository import ROOT

from mmlth.report.page import Section, write_page

script = load_script(ROOT / 'tools/reference/screenshots.py')


@pytest.fixture
def report(tmp_path):
    def write(*titles):
        sections = [
            Section(title, ('word ' * (200 if title == 'Answer' else 1),)) for title in titles
        ]
        write_page('A report', sections, tmp_path)
        return tmp_path / 'report.html'

    return write


@needs_chromium
def test_each_section_has_a_picture_of_its_own(report, tmp_path):
    assert script.main([str(report('Answer', 'Layers')), '--out', str(tmp_path)]) == 0
    ink = {}
    for name, (anchor, height) in script.SHOTS.items():
        picture = cv2.imread(str(tmp_path / f'{name}.png'))
        assert picture.shape == (height, script.WIDTH, 3)
        ink[anchor] = int((picture < 128).sum())
    assert 0 < 10 * ink['layers'] < ink['answer']  # two words, and two hundred


@needs_chromium
def test_a_report_without_the_section(report, tmp_path, capsys):
    assert script.main([str(report('Answer', 'Cost')), '--out', str(tmp_path)]) == 1
    assert capsys.readouterr().err.endswith("report.html has no section 'layers'\n")


@pytest.mark.parametrize('name', script.SHOTS)
def test_those_of_the_pages_are_small(name):
    assert 10_000 < (script.IMAGES / f'{name}.png').stat().st_size < 150_000
