"""The page in a real browser."""

import re

import cv2
import numpy as np
import pytest
from browser import browse, needs_chromium
from rich.table import Table

from mmlth.report.kit.figure import figure_at
from mmlth.report.page import Code, Figure, Image, Images, Section, write_page

pytestmark = needs_chromium


def draw(path):
    with figure_at(path, 8, 4) as figure:
        figure.subplots().plot([0, 1], [0, 1])


@pytest.fixture(scope='module')
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp('report')
    table = Table(*(f'a column of a name {number}' for number in range(12)))
    table.add_row(*('0.123 ± 0.004' for _ in range(12)))
    jpeg = cv2.imencode('.jpg', np.full((300, 400, 3), 127, np.uint8))[1].tobytes()
    photo = Image('photo', 'ground truth', 'ground truth', jpeg)
    parts = (table, Figure('curve', 'caption', 'a line', draw), Images((photo,) * 3))
    code = Code('mmlth train ' + 'a_long_path/' * 30)
    write_page('A report', [Section('Answer', parts), Section('Settings', (code,))], folder)
    return folder / 'report.html'


@pytest.mark.parametrize('width', [1280, 390])
def test_it_loads(page, width):
    told, errors = browse(page, '--window-size=1400,900', width=width)
    assert told['width'] == width
    assert len(told['images']) == 4
    assert all(all(image) for image in told['images'])
    assert 'CONSOLE' not in errors
    assert not told['requests']
    assert told['overflow'] <= 0  # what is wide scrolls by itself


def test_light_and_dark(page):
    light, _ = browse(page, '--blink-settings=preferredColorScheme=1')
    dark, _ = browse(page, '--blink-settings=preferredColorScheme=0')
    brightness = [sum(map(int, re.findall(r'\d+', told['paper'])[:3])) for told in (light, dark)]
    assert brightness[0] > 600
    assert brightness[1] < 150
    assert light['ink'] != dark['ink']
