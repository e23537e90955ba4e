"""The page on the architecture shows the tree as it is."""

import re

import draw
import pytest
from imports import levels, reduced, rooms
from repository import ROOT

PAGE = (ROOT / 'docs/en/project/architecture.md').read_text()
ENGINE = PAGE.split('## Rooms of the engine')[1].split('\n## ')[0]
REPORT = PAGE.split('## Rooms of the report')[1].split('\n## ')[0]


def test_the_picture_is_drawn_from_todays_imports():
    today = draw.picture(ROOT / 'mmlth')
    assert draw.PICTURE.read_text() == today, 'run python tools/architecture/draw.py'


@pytest.mark.parametrize(('layer', 'table'), [('engine', ENGINE), ('report', REPORT)])
def test_each_room_has_a_row_and_each_row_a_room(layer, table):
    rows = [row.split('|')[1] for row in table.split('\n') if row.startswith('| `')]
    named = {name for row in rows for name in re.findall(r'`(\w+)(?:/|\.py)`', row)}
    there = {room.split('.')[1] for room in rooms(ROOT / 'mmlth') if room.startswith(f'{layer}.')}
    assert named == there


def test_functions_on_the_page_are_handed_out():
    """Such as ``search.run_search``, by the package that the page says."""
    for room, name in re.findall(r'`(\w+)\.(?!json)(\w+)`', PAGE.split('## From a config')[1]):
        homes = [ROOT / f'mmlth/{place}{room}' for place in ('', 'engine/')]
        text = ''.join(
            path.read_text()
            for home in homes
            for path in (home / '__init__.py', home.with_suffix('.py'))
            if path.exists()
        )
        assert not text or re.search(rf'\b{name}\b', text), f'{room}.{name}'


def test_an_arrow_that_a_longer_way_makes_superfluous_is_left_out():
    graph = {'a': {'b', 'c'}, 'b': {'c'}, 'c': set(), 'd': {'c'}}
    assert reduced(graph) == {'a': {'b'}, 'b': {'c'}, 'c': set(), 'd': {'c'}}
    assert levels(graph) == {'a': 2, 'b': 1, 'c': 0, 'd': 1}


def test_a_circle_is_named():
    with pytest.raises(ValueError, match='a → b → a'):
        levels({'a': {'b'}, 'b': {'a'}})
