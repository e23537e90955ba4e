import re
from itertools import chain

import pytest

from mmlth.report.inspection.density_plot import plot_densities


def densities(layers, tickets=1):
    return {
        f'{"backbone" if i < 9 else "head"}.{i}.weight': (0.1, 0.2)[:tickets] for i in range(layers)
    }


@pytest.mark.parametrize(
    ('layers', 'columns'), [(0, [0]), (1, [1]), (60, [60]), (61, [31, 30]), (150, [50, 50, 50])]
)
def test_at_most_sixty_layers_stand_in_a_column(tmp_path, drawn, layers, columns):
    given = densities(layers)
    plot_densities(given, [('x.safetensors', 0.1)], tmp_path / 'density.png')
    axes = drawn[0].axes
    names = [[label.get_text() for label in each.get_yticklabels()] for each in axes]
    assert [len(column) for column in names] == columns
    assert list(chain(*names)) == [name.removesuffix('.weight') for name in given]


def test_bars_are_as_long_as_the_densities(tmp_path, drawn):
    given = {'backbone.0.weight': (0.5, 0.25), 'head.1.weight': (1.0, 0.0)}
    plot_densities(given, [('a', 0.6), ('b', 0.2)], tmp_path / 'density.png')
    (axes,) = drawn[0].axes
    bars = [patch for patch in axes.patches if patch.get_x() == 0]
    assert [bar.get_width() for bar in bars] == [50, 25, 100, 0]
    for broad, slim in (bars[:2], bars[2:]):
        assert broad.get_height() > slim.get_height()
        assert broad.get_y() < slim.get_y()
    assert [line.get_xdata()[0] for line in axes.lines[:2]] == [60, 20]


def test_every_layer_is_drawn(tmp_path):
    given = densities(130)  # three columns, the last one not full
    plot_densities(given, [('x.safetensors', 0.1)], tmp_path / 'density.svg')
    labels = set(re.findall('<!-- (.*?) -->', (tmp_path / 'density.svg').read_text()))
    assert {name.removesuffix('.weight') for name in given} <= labels


def test_an_svg_is_the_same_each_time(tmp_path):
    for name in ('one.svg', 'two.svg'):
        plot_densities(densities(12, 2), [('a', 0.1), ('b', 0.2)], tmp_path / name)
    text = (tmp_path / 'one.svg').read_text()
    assert text == (tmp_path / 'two.svg').read_text()
    assert text.startswith('<?xml')
