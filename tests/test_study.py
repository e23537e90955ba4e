"""``tools/study``: searches by seed and their branches as processes, stopped and gone on with."""

import shutil
import subprocess
import sys

import pytest
from converters import load_script
from kit import csv_rows, record
from plain import plain_config, plain_environment
from repository import ROOT

TOOLS = ROOT / 'tools/study'

pytestmark = pytest.mark.one_stack


def study(folder, *options):
    command = [sys.executable, str(TOOLS / 'study.py'), str(folder / 'plain_config.py')]
    command += ['--work-dir', str(folder / 'study'), '--seeds', '0', '1', '--sparsities', '0.5']
    command += ['--levels', '0.5', '--methods', 'random', *options]
    return subprocess.run(  # noqa: S603
        command, check=False, capture_output=True, text=True, env=plain_environment()
    )


def test_a_study_ends_with_every_method_by_seed_whatever_stopped_it(tmp_path):
    plain_config(tmp_path)
    stopped = study(tmp_path, '--minutes', '0.001')
    assert stopped.returncode == 75, stopped.stderr
    assert 'the time is up' in stopped.stdout
    assert '0 of 4 searches and branches are done' in stopped.stdout

    # A search that fails is named, and the others go on.
    damaged = tmp_path / 'study/seed_0/search.json'
    shutil.rmtree(damaged.parent, ignore_errors=True)
    damaged.parent.mkdir(parents=True)
    damaged.write_text('{"rounds": [], "schedule": [1]}')
    failed = study(tmp_path, '--jobs', '1')
    assert failed.returncode == 75
    log = damaged.parent / 'study.log'
    assert 'seed 0: search failed (' in failed.stdout
    assert str(log) in failed.stdout.replace('\n', '')
    assert str(damaged) in log.read_text().replace('\n', '')
    assert 'seed 0: random' not in failed.stdout  # which would need the search
    for name in ('seed 1: search', 'seed 1: random'):
        assert f'{name} is done' in failed.stdout
    assert '2 of 4 searches and branches are done' in failed.stdout

    shutil.rmtree(damaged.parent)
    ended = study(tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert '4 of 4 searches and branches are done' in ended.stdout
    assert 'seed 1: search starts' not in ended.stdout  # nothing is trained twice
    rows = csv_rows(tmp_path / 'study/report/comparison.csv')
    assert [(row['line'], float(row['sparsity'])) for row in rows] == [
        ('dense', 0.0),
        ('ticket', 0.5),
        ('random', 0.5),
    ]
    assert {row['seeds'] for row in rows} == {'2'}
    seeds = [record(tmp_path / f'study/seed_{seed}')['seed'] for seed in (0, 1)]
    assert seeds == [0, 1]


def test_a_level_that_the_search_has_not_is_one_line(tmp_path):
    plain_config(tmp_path)
    result = study(tmp_path, '--levels', '0.9')
    assert result.returncode != 0
    assert 'the level 0.9 is none of the sparsities [0.5]' in result.stderr
    assert 'Traceback' not in result.stderr


def test_each_method_has_the_sparsities_it_is_compared_at():
    methods = load_script(TOOLS / 'methods.py')
    sparsities, levels = (0.5, 0.8, 0.9), [0.8, 0.9]
    branches = methods.branches(sparsities, levels)
    compared = {name.removesuffix('_0.8').removesuffix('_0.9') for name in branches}
    assert compared == set(methods.METHODS)
    for name in methods.CONTROLS:  # of single tickets, counted as the search's rounds are
        control, option, *tickets = branches[name]
        assert (control, option) == (name, '--tickets')
        assert [sparsities[int(ticket) - 1] for ticket in tickets] == levels
    one_shot = [words for name, words in branches.items() if name.startswith('one_shot')]
    assert [float(words[-1]) for words in one_shot] == levels
    assert {tuple(words[:-1]) for words in one_shot} == {('--label', 'one_shot', '--sparsities')}
