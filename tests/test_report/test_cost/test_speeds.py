"""The Cost section takes up what ``mmlth bench`` has measured of the tickets of a search."""

import shutil

import pytest
from kit import csv_rows
from rich.table import Table
from sections import column, texts
from speeds import speed

from mmlth.analysis.speed import fingerprint
from mmlth.engine.state import bench_folder_of
from mmlth.report.cost import cost_section
from mmlth.report.page import CsvFile, Figure, write_page
from mmlth.report.searches import read_searches
from mmlth.report.speed import speed_text


@pytest.fixture
def work_dir(toy_search, tmp_path):
    """A copy of a finished search, to which results are added."""
    return shutil.copytree(toy_search, tmp_path / 'work')


def add_result(work_dir, number, text=None):
    ticket = work_dir / f'tickets/round_{number:02d}.safetensors'
    folder = bench_folder_of(ticket)
    folder.mkdir(parents=True)
    (folder / 'bench.json').write_text(text or speed_text(speed(fingerprint(ticket))))
    return folder


def section_of(work_dir):
    return cost_section(read_searches([work_dir]), (6, 8))


def test_results_are_beside_the_tickets_of_a_search_else_in_work_dirs(work_dir, tmp_path):
    ticket = work_dir / 'tickets/round_01.safetensors'
    assert bench_folder_of(ticket) == work_dir / 'bench/round_01'
    other = tmp_path / 'tickets/good.safetensors'  # whose folder is none of a search
    assert str(bench_folder_of(other)) == 'work_dirs/good_bench'


def test_without_a_result_nothing_is_said(work_dir):
    section = section_of(work_dir)
    assert [part.name for part in section.parts if isinstance(part, Figure)] == ['cost']
    assert [part.name for part in section.parts if isinstance(part, CsvFile)] == ['cost.csv']


def test_results_of_tickets_stand_side_by_side(work_dir, tmp_path):
    for number in (1, 2):
        add_result(work_dir, number)
    section = section_of(work_dir)
    table = [part for part in section.parts if isinstance(part, Table)][-1]
    headers = [str(each.header) for each in table.columns]
    counts = ('1 thread', '2 threads')
    assert headers[1:] == [f'round {n}, {count}' for n in (1, 2) for count in counts]
    assert column(table, headers[0]) == ['mmlth', 'PyTorch', 'MNN, sparse', 'ONNX Runtime']
    assert column(table, 'round 1, 2 threads')[0] == '4.35 [4.00, 4.70]'
    assert 'round 2: ToyModel, network, one image of 6 × 8 pixels' in ' '.join(texts(section))

    write_page('Lottery tickets', [section], tmp_path / 'page')
    assert len(csv_rows(tmp_path / 'page/speed.csv')) == 16
    assert (tmp_path / 'page/speed.png').is_file()
    assert '4.35 [4.00, 4.70]' in (tmp_path / 'page/report.html').read_text()


def test_a_result_of_an_earlier_ticket_is_told_and_left_out(work_dir):
    add_result(work_dir, 1, speed_text(speed('0' * 64)))
    section = section_of(work_dir)
    assert 'The speed of round 1 is that of an earlier ticket' in ' '.join(texts(section))
    assert [part.name for part in section.parts if isinstance(part, Figure)] == ['cost']


@pytest.mark.parametrize('text', ['{', '{"timings": []}'])
def test_a_damaged_result_does_not_cost_the_page(text, work_dir):
    add_result(work_dir, 1, text)
    assert 'The speed of round 1 cannot be read' in ' '.join(texts(section_of(work_dir)))
