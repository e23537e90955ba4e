"""Errors of keypoints of two models side by side."""

import pytest
from kit import csv_rows
from matplotlib.image import imread
from rich.console import Console

from mmlth.analysis.keypoints import ERRORS, KINDS, KeypointRules, Skeleton, keypoint_errors
from mmlth.report.predictions.keypoint_errors_plot import plot_keypoint_errors
from mmlth.report.predictions.keypoint_errors_table import (
    joint_table,
    keypoint_error_table,
    write_keypoint_curves_csv,
    write_keypoint_errors_csv,
    write_keypoint_kinds_csv,
)

SKELETON = Skeleton(('left', 'right'), (0.05, 0.05), (('left', 'right'),))
INSTANCE = {'image_id': 1, 'category_id': 1, 'bbox': [0, 0, 100, 100], 'area': 10_000}
GROUND_TRUTH = {
    'images': [{'id': 1}],
    'annotations': [{**INSTANCE, 'id': 1, 'keypoints': [10, 10, 2, 90, 90, 2], 'iscrowd': 0}],
    'categories': [{'id': 1}],
}


def model(*keypoints, **options):
    predictions = [{**INSTANCE, 'score': 0.5, 'keypoints': keypoints}] if keypoints else []
    rules = KeypointRules(oks=(0.5, 0.75), **options)
    return keypoint_errors(GROUND_TRUTH, predictions, SKELETON, rules)


@pytest.fixture
def models():
    return {'dense': model(10, 10, 1, 90, 90, 1), 'ticket': model(10, 10, 1, 500, 500, 1)}


def text(table):
    console = Console(width=100)
    with console.capture() as capture:
        console.print(table)
    return [line.split() for line in capture.get().splitlines()]


def test_the_table(models):
    lines = text(keypoint_error_table(models))
    assert ['as', 'detected', '–', '1.000', '–', '0.500'] in lines  # 1 at .5 and 0 at .75
    assert ['miss', '0.00%', '+0.000', '50.00%', '+0.500'] in lines
    assert ['undetected', '0.00%', '+0.000', '0.00%', '+0.000'] in lines


def test_areas_below_the_curves_stand_beside_the_mean(models):
    lines = text(keypoint_error_table(models, 0.75))
    assert ['as', 'detected', '–', '1.000', '1.000', '–', '0.500', '0.000'] in lines
    # The OKS is .5, and .75 once the miss is corrected.
    assert ['miss', '0.00%', '+0.000', '+0.000', '50.00%', '+0.500', '+1.000'] in lines
    with pytest.raises(ValueError, match=r'no curve at OKS 0\.9; there are 0\.5, 0\.75'):
        keypoint_error_table(models, 0.9)


def test_the_joints(models):
    lines = text(joint_table(models['ticket']))
    assert ['joint', 'keypoints', *KINDS] in lines
    assert ['left', '1', '100.00%', *['0.00%'] * 4] in lines
    assert ['right', '1', *['0.00%'] * 4, '100.00%'] in lines
    assert ['all', '2', '50.00%', *['0.00%'] * 3, '50.00%'] in lines


def test_csv(models, tmp_path):
    write_keypoint_errors_csv(models, tmp_path / 'errors.csv')
    rows = csv_rows(tmp_path / 'errors.csv')
    assert len(rows) == 2 * (1 + 2) * (1 + len(ERRORS))  # the mean, and two thresholds
    means = {(r['model'], r['error']): r for r in rows if not r['oks']}
    assert float(means['ticket', '']['ap']) == pytest.approx(0.5)  # 1 at .5 and 0 at .75
    assert float(means['ticket', 'miss']['ap']) == pytest.approx(1)
    assert float(means['ticket', 'miss']['gain']) == pytest.approx(0.5)
    detected = rows[1 + len(ERRORS)]
    assert (detected['model'], detected['oks'], detected['error']) == ('dense', '0.5', '')
    assert float(detected['ap']) == models['dense'].ap(oks=0.5)
    (miss,) = [r for r in rows if (r['model'], r['oks'], r['error']) == ('ticket', '0.75', 'miss')]
    assert (miss['count'], float(miss['share'])) == ('1', 0.5)
    assert float(miss['gain']) == models['ticket'].gain('miss', 0.75)
    assert (rows[1]['error'], rows[1]['gain']) == ('miss', '0.0')  # dense
    write_keypoint_kinds_csv(models, tmp_path / 'kinds.csv')
    kinds = (tmp_path / 'kinds.csv').read_text().splitlines()
    assert len(kinds) == 1 + 2 * 2 * len(KINDS)
    assert kinds[0] == 'model,joint,kind,count'
    assert {'dense,right,good,1', 'ticket,right,miss,1', 'ticket,left,miss,0'} <= set(kinds)


def test_the_points_of_the_curves(models, tmp_path):
    write_keypoint_curves_csv(models, 0.75, tmp_path / 'curves.csv')
    rows = csv_rows(tmp_path / 'curves.csv')
    assert len(rows) == 2 * (1 + len(ERRORS)) * 101
    for name, error, precision in (
        ('dense', '', 1),
        ('ticket', '', 0),
        ('ticket', 'miss', 1),
        ('ticket', 'jitter', 0),
    ):
        own = [row for row in rows if (row['model'], row['error']) == (name, error)]
        assert {row['oks'] for row in own} == {'0.75'}
        assert [float(row['recall']) for row in own] == pytest.approx([n / 100 for n in range(101)])
        assert [float(row['precision']) for row in own] == pytest.approx([precision] * 101)
    with pytest.raises(ValueError, match=r'no curve at OKS 0\.9'):
        write_keypoint_curves_csv(models, 0.9, tmp_path / 'other.csv')
    assert not (tmp_path / 'other.csv').exists()


def test_the_picture(models, tmp_path):
    plot_keypoint_errors(models, 0.75, tmp_path / 'curves.png')
    assert imread(tmp_path / 'curves.png').shape[1] > 1000
    for name in ('once.svg', 'again.svg'):
        plot_keypoint_errors(models, 0.75, tmp_path / name)
    drawn = (tmp_path / 'once.svg').read_text()
    assert drawn == (tmp_path / 'again.svg').read_text()
    labels = {'1.000  as detected': 1, '0.000  as detected': 1, '1.000  without miss': 2}
    for words, times in {**labels, 'precision at OKS ≥ 0.75': 1, 'recall': 2, 'ticket': 1}.items():
        assert drawn.count(f'<!-- {words} -->') == times
    with pytest.raises(ValueError, match=r'no curve at OKS 0\.9'):
        plot_keypoint_errors(models, 0.9, tmp_path / 'other.png')
    assert not (tmp_path / 'other.png').exists()


def test_nothing_to_detect_and_nothing_detected(tmp_path):
    models = {'nothing to detect': model(areas=(0, 1)), 'nothing detected': model()}
    lines = text(keypoint_error_table(models))
    assert ['as', 'detected', '–', '–', '–', '0.000'] in lines
    assert ['miss', '–', '–', '–', '+0.000'] in lines
    assert ['undetected', '–', '–', '100.00%', '–'] in lines
    assert ['all', '0', *['–'] * 5] in text(joint_table(models['nothing detected']))
    plot_keypoint_errors(models, 0.5, tmp_path / 'curves.png')
    write_keypoint_errors_csv(models, tmp_path / 'errors.csv')
    lines = (tmp_path / 'errors.csv').read_text().splitlines()
    assert lines[1:3] == ['nothing to detect,,,,,,', 'nothing to detect,,miss,0,,,']
    assert lines[8:10] == ['nothing to detect,0.5,,,,,', 'nothing to detect,0.5,miss,0,,,']
    write_keypoint_curves_csv(models, 0.5, tmp_path / 'curves.csv')
    curves = (tmp_path / 'curves.csv').read_text().splitlines()
    assert {line.split(',')[0] for line in curves[1:]} == {'nothing detected'}
