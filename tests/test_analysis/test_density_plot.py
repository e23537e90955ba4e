import re

import matplotlib.image
import pytest

from mmlth.report.inspection.density_plot import plot_densities


def densities(layers, tickets=1):
    return {
        f'{"backbone" if i < 9 else "head"}.{i}.weight': (0.1, 0.2)[:tickets] for i in range(layers)
    }


@pytest.mark.parametrize(('layers', 'tickets'), [(1, 1), (60, 2), (150, 1), (0, 1)])
def test_a_picture_in_pages_proportions(tmp_path, layers, tickets):
    path = tmp_path / 'density.png'
    plot_densities(densities(layers, tickets), [('x.safetensors', 0.1)] * tickets, path)
    height, width, _ = matplotlib.image.imread(path).shape
    assert 0.5 < width / height < 2.2


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
