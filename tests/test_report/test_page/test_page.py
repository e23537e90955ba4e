"""One page, in HTML and in Markdown, from sections."""

import base64
import re
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest
from rich.table import Table
from rich.text import Text

from mmlth.report.kit.figure import figure_at
from mmlth.report.page import Code, CsvFile, Details, Figure, Image, Images, Section, write_page
from mmlth.report.page.html import html

HOSTILE = '<script>alert("1")</script> & [bold]x[/bold] | *'


def table():
    result = Table('round', caption='a < b')
    result.add_column('AP', justify='right')
    result.add_row('0', Text(HOSTILE))
    result.add_section()
    result.add_row('1', '0.5\n+0.1')
    return result


def draw(path):
    with figure_at(path, 3, 2) as figure:
        figure.subplots().plot([0, 1], [0, 1])


def jpeg():
    return cv2.imencode('.jpg', np.full((40, 60, 3), 127, np.uint8))[1].tobytes()


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('report')
    sections = [
        Section('Answer', (HOSTILE, table(), Figure('curve', 'a caption', 'a rising line', draw))),
        Section(
            'Other parts',
            (
                Images((Image('one', 'ground truth', 'ground truth', jpeg()),)),
                Details('more', Code('mmlth report <work_dir>')),
                Details('hidden plot', Figure('hidden', 'caption', 'a line', draw)),
                CsvFile('numbers.csv', lambda path: path.write_text('a\n1\n')),
            ),
        ),
    ]
    write_page(f'Report {HOSTILE}', sections, folder)
    return folder


@pytest.mark.parametrize('text', ['ground truth', 'more', 'mmlth report <work_dir>', 'numbers.csv'])
def test_every_kind_of_part_is_shown(folder, text):
    page = Page((folder / 'report.html').read_text())
    assert text in ' '.join(page.text)
    assert text in (folder / 'report.md').read_text()


def test_a_part_of_no_known_kind_is_an_error(tmp_path):
    with pytest.raises(TypeError, match='cannot show a part of the kind int'):
        html('Report', [Section('Answer', (1,))], {})


class Page(HTMLParser):
    """What a page holds; fails where an element is not closed in its order."""

    VOID = frozenset({'meta', 'link', 'img', 'br'})

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.text = [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def of(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def page(folder):
    return Page((folder / 'report.html').read_text(encoding='utf-8'))


def test_it_needs_no_other_file(page):
    """Neither here nor in the net."""
    for _, attributes in page.elements:
        for name in ('src', 'href'):
            assert attributes.get(name, '#').startswith(('#', 'data:'))
    style = ''.join(page.text)
    assert 'url(' not in style
    assert '@import' not in style


def test_images_have_alternatives(page, folder):
    images = page.of('img')
    assert [image['alt'] for image in images] == ['a rising line', 'ground truth', 'a line']
    kinds = [re.match('data:(image/[a-z+]+);base64,(.*)', image['src']) for image in images]
    assert [kind[1] for kind in kinds] == ['image/svg+xml', 'image/jpeg', 'image/svg+xml']
    assert base64.b64decode(kinds[0][2]) == (folder / 'curve.svg').read_bytes()
    assert base64.b64decode(kinds[1][2]) == (folder / 'one.jpg').read_bytes() == jpeg()


def test_text_is_text(page):
    """Metrics, classes and layers have any names."""
    assert not page.of('script')
    assert not page.of('b')
    plain = HOSTILE.replace('[bold]', '').replace('[/bold]', '')
    assert HOSTILE in page.text
    assert f'Report {HOSTILE}' in page.text
    assert plain not in page.text


def test_headings_can_be_linked_to(page):
    ids = [attributes['id'] for _, attributes in page.elements if 'id' in attributes]
    assert len(set(ids)) == len(ids)
    assert {link['href'] for link in page.of('a')} <= {f'#{name}' for name in ids}
    for section in page.of('section'):
        assert section['aria-labelledby'] in ids


def test_tables(page):
    assert len(page.of('tbody')) == 2  # groups
    assert [cell.get('class') for cell in page.of('td')] == ['number', 'number']
    assert '0.5\n+0.1' in page.text
    assert 'a < b' in page.text


def test_markdown(folder):
    text = (folder / 'report.md').read_text(encoding='utf-8')
    assert '| round | AP |\n| --- | ---: |\n' in text
    assert '| 1 | 0.5<br>+0.1 |' in text
    row = next(line for line in text.splitlines() if line.startswith('| 0 |'))
    assert len(re.findall(r'(?<!\\)\|', row)) == 3
    for name in ('curve.png', 'one.jpg', 'hidden.png', 'numbers.csv'):
        assert f']({name})' in text
        assert (folder / name).exists()
    assert '```\nmmlth report <work_dir>\n```' in text


def test_all_files_are_the_same_again(folder, tmp_path_factory):
    again = tmp_path_factory.mktemp('again')
    write_page('x', [Section('A', (Figure('curve', 'c', 'a', draw),))], again)
    first = {path.name: path.read_bytes() for path in again.iterdir()}
    write_page('x', [Section('A', (Figure('curve', 'c', 'a', draw),))], again)
    assert {path.name: path.read_bytes() for path in again.iterdir()} == first
    assert set(first) == {'report.html', 'report.md', 'curve.png', 'curve.svg'}


def test_files_of_the_page_before_go(tmp_path):
    (tmp_path / 'mine.png').write_bytes(b'')
    numbers = CsvFile('numbers.csv', lambda path: path.write_text('a\n1\n'))
    photos = Images((Image('one', 'c', 'a', jpeg()),))
    write_page('x', [Section('A', (Figure('curve', 'c', 'a', draw), photos, numbers))], tmp_path)
    write_page('x', [Section('A', (numbers,))], tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {'report.html', 'report.md', 'numbers.csv', 'mine.png'}
