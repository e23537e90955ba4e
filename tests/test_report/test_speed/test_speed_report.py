"""Tables, plots and files show the numbers that were measured."""

import dataclasses
import json

import pytest
from kit import csv_rows
from sections import column
from speeds import speed, timing

from mmlth.analysis.speed import Timing
from mmlth.report.speed import (
    machine_lines,
    plot_speeds,
    read_speed,
    speed_table,
    speed_text,
    write_speed_csv,
)


def test_the_table_says_how_many_times_faster_mmlth_is():
    table = speed_table(speed(threads=(1,)))
    assert column(table, 'contender') == ['mmlth', 'PyTorch', 'MNN, sparse', 'ONNX Runtime']
    assert column(table, 'ms') == [
        '8.35 [8.00, 8.70]',
        '16.7 [16.0, 17.4]',
        '12.5 [12.0, 13.0]',
        '–',
    ]
    assert column(table, 'mmlth is') == [
        '–',
        '2.00 [2.00, 2.00] ×',
        '1.50 [1.50, 1.50] ×',
        '–',
    ]
    assert column(table, 'difference') == ['1e-06', '1e-06', '1e-06', '5e-01']
    notes = column(table, '')
    assert notes == ['1 of 2 layers sparse', '', '', 'its outputs differ by 0.5 of [their] number']


def test_a_few_rounds_have_no_interval_and_no_own_row_no_ratio():
    few = speed(timings=(timing('PyTorch', 1, [1.0, 2.0, 3.0]),))
    assert column(speed_table(few), 'ms') == ['2.00']
    assert column(speed_table(few), 'mmlth is') == ['–']


def test_the_sentences_tell_machine_versions_threads_and_load():
    text = '\n'.join(machine_lines(speed()))
    for words in (
        'ToyModel, network, one image of 6 × 8 pixels, sparsity 75.00%; medians of 8 rounds',
        'A processor, AVX512, 2 cores; torch 2.11',
        'load average 0.1 before, 1.2 after; OMP_NUM_THREADS=1',
        'not measured: OpenVINO needs the package openvino',
    ):
        assert words in text
    assert 'busy' not in text
    assert 'the machine was busy before' in '\n'.join(machine_lines(speed(load=(1.0, 1.0))))


def test_files_hold_all_numbers(tmp_path):
    result = speed()
    (tmp_path / 'bench.json').write_text(speed_text(result))
    assert read_speed(tmp_path / 'bench.json') == result
    assert json.loads(speed_text(result))['timings'][0]['milliseconds'][:2] == [8.0, 8.1]

    write_speed_csv([result], tmp_path / 'bench.csv')
    rows = csv_rows(tmp_path / 'bench.csv')
    assert len(rows) == 8
    first, failed = rows[0], rows[3]
    assert (first['contender'], first['threads'], first['rounds']) == ('mmlth', '1', '8')
    assert float(first['median_ms']) == pytest.approx(8.35)
    assert (float(first['low_ms']), float(first['high_ms'])) == (8.0, 8.7)
    assert (failed['median_ms'], failed['rounds']) == ('', '0')
    assert failed['error'].startswith('its outputs differ')


@pytest.mark.parametrize('text', ['', '{}', '[]', '{"timings": 3}', 'nothing'])
def test_a_damaged_file_is_an_error_that_says_so(text, tmp_path):
    (tmp_path / 'bench.json').write_text(text)
    with pytest.raises(ValueError, match='no result of mmlth bench'):
        read_speed(tmp_path / 'bench.json')


def test_the_picture_has_a_panel_a_ticket_and_thread_count_and_a_bar_a_time(drawn, tmp_path):
    two = {'round 1': speed(), 'round 2': speed(threads=(1,))}
    plot_speeds(two, tmp_path / 'speed.png')
    (figure,) = drawn
    panels = [axes for axes in figure.axes if axes.axison]
    titles = [axes.get_title() for axes in panels]
    assert titles == ['round 1, 1 thread', 'round 1, 2 threads', 'round 2, 1 thread']
    for axes in panels:
        labels = [label.get_text() for label in axes.get_yticklabels()]
        assert labels == ['mmlth', 'PyTorch', 'MNN, sparse', 'ONNX Runtime']
        assert len(axes.patches) == 3
        assert 'failed' in [text.get_text() for text in axes.texts]
    assert [bar.get_width() for bar in panels[0].patches] == pytest.approx([8.35, 16.7, 12.525])
    colours = [bar.get_facecolor() for bar in panels[0].patches]
    assert len(set(colours)) == 3  # ours, what is dense, what skips zeros
    assert (tmp_path / 'speed.png').stat().st_size > 5000


def test_a_picture_without_any_time_is_drawn(tmp_path):
    none = dataclasses.replace(speed(), timings=(Timing('PyTorch', 1, error='it failed'),))
    plot_speeds({'': none}, tmp_path / 'speed.png')
    assert column(speed_table(none), 'ms') == ['–']
