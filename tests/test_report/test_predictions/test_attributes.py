"""Attributes and TIDE's errors in the report: the numbers are those that were found."""

import math

import pytest
from kit import csv_rows
from matplotlib.image import imread
from rich.console import Console

from mmlth.analysis.detection import Attributes, Estimate, Group, Result
from mmlth.analysis.detection.tide import MAIN, SPECIAL, Errors, Tide
from mmlth.report.kit import COLOURS, GREY, model_styles
from mmlth.report.predictions.attributes_plot import plot_attributes, plot_classes
from mmlth.report.predictions.attributes_table import (
    attributes_table,
    class_table,
    write_attributes_csv,
)
from mmlth.report.predictions.tide_plot import plot_tide
from mmlth.report.predictions.tide_table import tide_table, write_tide_csv


def group(name, change, certain=True, objects=12):
    """One of dense AP 0.5."""
    difference = None if change is None else change / 200
    width = abs(difference or 0) / 2 if certain else 1
    ticket = Result(
        Estimate(0.5 + (difference or 0)),
        Estimate(difference, difference and difference - width, difference and difference + width),
        Estimate(change, change and change - 200 * width, change and change + 200 * width),
    )
    models = {'dense': Result(Estimate(0.5, 0.4, 0.6)), '[ticket]': ticket}
    return Group(name, (name,), objects, 7, models, 30)


@pytest.fixture
def found():
    return Attributes(
        kind='segm',
        models=('dense', '[ticket]'),
        images=9,
        replicates=100,
        overall=group('all', -10.0),
        sizes=(
            group('small', -400.0),
            group('large', 5.0, certain=False),
            group('none', 1.0, 1, 0),
        ),
        frequency=(),
        lvis=(),
        difficulty=(group('hardest', None),),
        classes=tuple(group(f'[class {n}]', 7.0 * n - 40) for n in range(12)),
    )


def text(table, width=100):
    console = Console(width=width, record=True, file=open('/dev/null', 'w'))  # noqa: SIM115
    console.print(table)
    return console.export_text()


def test_table(found):
    printed = text(attributes_table(found))
    assert printed.startswith('mask AP')
    rows = {line.split()[0]: line.split()[1:] for line in printed.splitlines() if line.strip()}
    assert rows['all'] == ['12', '0.500', '0.450', '-10.0*']
    assert rows['small'][-1] == '-400.0*'
    assert rows['large'][-1] == '+5.0'  # its interval holds 0
    assert rows['hardest'][-1] == '–'
    assert 'none' not in rows  # the ground truth has no such object
    assert 'training frequency' not in printed
    assert '0.400–0.600' in printed
    assert '-15.0 to -5.0' in printed


def test_classes_that_lose_most_stand_first(found):
    printed = text(class_table(found, most=5))
    names = [line.split(']')[0] + ']' for line in printed.splitlines() if line.startswith('[')]
    assert names == [f'[class {n}]' for n in (0, 1, 2, 10, 11)]
    assert sum(line.startswith('[class') for line in text(class_table(found)).splitlines()) == 12


def test_csv_holds_every_number(found, tmp_path):
    write_attributes_csv([found, found], tmp_path / 'attributes.csv')
    rows = csv_rows(tmp_path / 'attributes.csv')
    assert len(rows) == 2 * 2 * (1 + 2 + 1 + 12)
    dense, ticket = rows[:2]
    assert (dense['model'], dense['ap'], dense['difference'], dense['change']) == (
        'dense',
        '0.5',
        '',
        '',
    )
    assert (ticket['by'], ticket['group'], ticket['training']) == ('all', 'all', '30')
    assert [float(ticket[f'difference{end}']) for end in ('', '_low', '_high')] == pytest.approx(
        [-0.05, -0.075, -0.025]
    )
    assert float(ticket['change_high']) == pytest.approx(-5)


@pytest.mark.parametrize('suffix', ['png', 'svg'])
def test_pictures(found, tmp_path, suffix):
    for draw in (plot_attributes, plot_classes):
        paths = [tmp_path / f'{n}.{suffix}' for n in (1, 2)]
        for path in paths:
            draw(found, path)
        assert paths[0].read_bytes() == paths[1].read_bytes()
        assert suffix == 'svg' or imread(paths[0]).std() > 0


def test_the_dense_model_alone(found, tmp_path):
    alone = Attributes(**{**vars(found), 'models': ('dense',)})
    with pytest.raises(ValueError, match='nothing to compare'):
        plot_attributes(alone, tmp_path / 'a.png')
    assert not list(tmp_path.iterdir())
    assert '[class 3]' in text(class_table(alone))


def test_each_model_keeps_its_colour():
    styles = model_styles(['dense', 'a', 'b', *map(str, range(9))])
    assert styles['dense'].colour == GREY
    assert [styles[name].colour for name in 'ab'] == list(COLOURS[:2])
    for looks in (
        {(s.colour, s.marker) for s in styles.values()},
        {(s.colour, s.hatch) for s in styles.values()},
    ):
        assert len(looks) == 12


@pytest.fixture
def errors():
    def some(scale):
        main = {name: scale * (n + 1) / 100 for n, name in enumerate(MAIN)}
        special = {name: scale * 0.2 for name in SPECIAL}
        return Errors(0.5, main, special, {name: 1000 * n for n, name in enumerate(MAIN)})

    return Tide('bbox', 0.5, 0.1, {'dense': some(1), 'ticket': some(2)})


def test_tide_table(errors):
    printed = text(tide_table(errors))
    rows = {line.split(':')[0]: line.split()[-4:] for line in printed.splitlines() if ':' in line}
    assert 'box AP at IoU 0.5' in printed
    assert rows['Loc'] == ['+0.020', '1,000', '+0.040', '1,000']
    assert rows['FalseNeg'][-2:] == ['+0.200', '+0.400']


def test_tide_csv(errors, tmp_path):
    write_tide_csv([errors], tmp_path / 'tide.csv')
    rows = {(row['model'], row['error']): row for row in csv_rows(tmp_path / 'tide.csv')}
    assert len(rows) == 16
    assert math.isclose(float(rows['ticket', 'Miss']['gain']), 0.12)
    assert rows['ticket', 'Miss']['count'] == '5000'
    assert rows['dense', 'FalsePos']['count'] == ''


@pytest.mark.parametrize('suffix', ['png', 'svg'])
def test_tide_picture(errors, tmp_path, suffix):
    plot_tide(errors, tmp_path / f'tide.{suffix}')
    content = (tmp_path / f'tide.{suffix}').read_bytes()
    assert content.startswith(b'\x89PNG' if suffix == 'png' else b'<?xml')
