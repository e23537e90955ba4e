"""``tools/study``: searches by seed and their branches as processes, stopped and gone on with."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from converters import load_script
from kit import csv_rows, record
from plain import plain_config, plain_environment
from repository import ROOT

TOOLS = ROOT / 'tools/study'

pytestmark = pytest.mark.one_stack


def study(folder, *options):
    return subprocess.run(  # noqa: S603
        study_command(folder, *options),
        check=False,
        capture_output=True,
        text=True,
        env=plain_environment(),
    )


def study_command(folder, *options):
    command = [sys.executable, str(TOOLS / 'study.py'), str(folder / 'plain_config.py')]
    command += ['--work-dir', str(folder / 'study'), '--seeds', '0', '1', '--sparsities', '0.5']
    return [*command, '--levels', '0.5', '--methods', 'random', *options]


def times(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob('*')}


def wait_for(what):
    for _ in range(600):
        if what():
            return
        time.sleep(0.1)
    raise AssertionError('it never came')


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


def test_what_was_kept_elsewhere_is_not_trained_again(tmp_path):
    """A clone of the repository has the numbers of a study, not its work_dirs."""
    plain_config(tmp_path)
    numbers = tmp_path / 'numbers'
    options = ('--numbers', str(numbers), '--seeds', '1')
    first = study(tmp_path, *options, '--by-seed')
    assert first.returncode == 0, first.stdout + first.stderr
    kept = numbers / 'seed_1/branches/random'
    assert (kept / 'results.csv').read_bytes() == (
        tmp_path / 'study/seed_1/branches/random/report/results.csv'
    ).read_bytes()
    assert 'accepted_config' not in record(kept)
    assert record(kept)['rounds'] == record(tmp_path / 'study/seed_1/branches/random')['rounds']

    shutil.rmtree(tmp_path / 'study')
    again = study(tmp_path, *options)
    assert again.returncode == 0
    assert 'starts' not in again.stdout
    assert '2 of 2 searches and branches are done' in again.stdout

    # A branch that is missing needs its search, whose tickets nobody kept.
    before = {path: path.read_bytes() for path in numbers.rglob('*') if path.is_file()}
    shutil.rmtree(kept)
    again = study(tmp_path, *options)
    assert again.returncode == 0, again.stdout + again.stderr
    for name in ('seed 1: search', 'seed 1: random'):
        assert f'{name} is done' in again.stdout
    for path in (kept / 'search.json', numbers / 'seed_1/search.json'):
        assert [each['metrics'] for each in record(path.parent)['rounds']] == [
            each['metrics'] for each in json.loads(before[path])['rounds']
        ]


def test_ctrl_c_stops_a_study_once_and_a_stopped_group_stands_still(tmp_path):
    """All trainings are of one process group; Ctrl-C reaches them by way of the study alone."""
    plain_config(tmp_path)
    command = study_command(tmp_path, '--jobs', '1')
    environment = plain_environment(PLAIN_SLEEP=0.3)
    with subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as process:
        state = tmp_path / 'study/seed_0/search.json'
        wait_for(state.exists)
        os.killpg(process.pid, signal.SIGSTOP)
        time.sleep(0.1)  # until all have stopped
        before = times(tmp_path / 'study')
        time.sleep(1.5)  # in which a checkpoint would be due
        stood_still = times(tmp_path / 'study') == before
        os.killpg(process.pid, signal.SIGCONT)
        os.killpg(process.pid, signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert stood_still
    assert process.returncode == 75
    assert '0 of 4 searches and branches are done' in out
    assert 'failed' not in out
    assert list((tmp_path / 'study/seed_0/round_00').glob('interrupted*'))


def test_a_level_that_the_search_has_not_is_one_line(tmp_path):
    plain_config(tmp_path)
    result = study(tmp_path, '--levels', '0.9')
    assert result.returncode != 0
    assert 'the level 0.9 is none of the sparsities [0.5]' in result.stderr
    assert 'Traceback' not in result.stderr


def test_each_method_has_the_sparsities_it_is_compared_at():
    methods = load_script(TOOLS / 'methods.py')
    sparsities, levels = (0.5, 0.8, 0.9), [0.8, 0.9]
    branches = methods.branches(sparsities, levels, methods.METHODS)
    compared = {name.removesuffix('_0.8').removesuffix('_0.9') for name in branches}
    assert compared == set(methods.METHODS)
    for name in methods.CONTROLS:  # of single tickets, counted as the search's rounds are
        control, option, *tickets = branches[name]
        assert (control, option) == (name, '--tickets')
        dense = ['0'] if name == 'reinit' else []  # from scratch, as its tickets are
        assert tickets[: len(dense)] == dense
        assert [sparsities[int(ticket) - 1] for ticket in tickets[len(dense) :]] == levels
    start = ['--label', 'one_shot', '--sparsities']
    assert branches['one_shot_0.9'] == [*start, '0.9']
    assert (
        '--length'
        not in methods.branches(sparsities, [0.5], ['one_shot_equal'])['one_shot_equal_0.5']
    )
    assert branches['one_shot_equal_0.9'][-2:] == ['--length', '3']  # of 0.5, 0.8 and 0.9
    start[1] = 'short_25'  # whose last round trains in full
    assert branches['short_25_0.8'] == [*start, '0.5,0.8', '--round-length', '0.25']
    assert branches['short_25_0.9'] == [*start, '0.5,0.8,0.9', '--round-length', '0.25']
    assert branches['gradual_long'] == ['gradual', '--length', 'search', '--tickets', '2', '3']
    assert branches['macs'] == ['--budget', 'macs']  # by the rounds of the search
    default = {'one_shot_0.8', 'one_shot_0.9', 'learning_rate', 'fine_tuning', 'long_dense'}
    assert set(methods.branches(sparsities, levels)) == {*default, *methods.CONTROLS}


def test_a_table_of_accuracy_against_multiply_adds(tmp_path, capsys, monkeypatch):
    table = load_script(TOOLS / 'macs_table.py')
    for seed, values in enumerate(((0.5, 0.4, 0.3), (0.6, 0.5, 0.2))):
        folder = tmp_path / f'seed_{seed}'
        for place, sparsity, macs, value in (
            (folder, 0.8, 30, values[1]),
            (folder / 'branches/macs', 0.6 + seed / 10, 20, values[2]),
        ):
            place.mkdir(parents=True)
            (place / 'results.csv').write_text(
                f'round,sparsity,AP\n0,0.0,{values[0]}\n1,{sparsity},{value}\n'
            )
            (place / 'cost.csv').write_text(
                f'round,dense_macs,sparse_macs\n0,100,100\n1,100,{macs}\n'
            )
    monkeypatch.setattr('sys.argv', ['macs_table.py', str(tmp_path), '--metric', 'AP'])
    table.main()
    assert capsys.readouterr().out.splitlines() == [
        '| line | weights left | MACs left | AP | seeds |',
        '| --- | ---: | ---: | ---: | ---: |',
        '| dense | 100.0% | 100.0% | 0.550 ± 0.071 | 2 |',
        '| ticket | 20.0% | 30.0% | 0.450 ± 0.071 | 2 |',
        '| macs | 35.0% | 20.0% | 0.250 ± 0.071 | 2 |',
    ]
    measured = 'round,threads,mmlth_ms\n0,1,8.0\n1,1,4.04\n1,2,3.0\n'
    (tmp_path / 'seed_1/milliseconds.csv').write_text(measured)
    table.main()
    assert capsys.readouterr().out.splitlines()[2:] == [
        '| dense | 100.0% | 100.0% | 0.550 ± 0.071 | 2 | 8.0 |',
        '| ticket | 20.0% | 30.0% | 0.450 ± 0.071 | 2 | 4.0 |',
        '| macs | 35.0% | 20.0% | 0.250 ± 0.071 | 2 | – |',
    ]


def test_the_fastest_dense_contender_stands_beside_a_ticket(tmp_path, capsys, monkeypatch):
    script = load_script(TOOLS / 'milliseconds.py')
    times = {'mmlth': (2.0, 4.0, 3.0), 'PyTorch': (9.0, 8.0, 7.0), 'OpenVINO': (6.0, 6.0, 6.0)}
    times |= {'MNN': (1.0, 1.0, 1.0), 'ONNX Runtime': ()}
    asked = []

    def speed(ticket, part, threads, rounds):
        asked.append((ticket.name, part, *threads))
        kinds = times if ticket.stem != 'round_02' else {'mmlth': (), 'PyTorch': (1.0,)}
        timings = {name: SimpleNamespace(milliseconds=t) for name, t in kinds.items()}
        return SimpleNamespace(size=(8, 9), at=lambda _: timings)

    monkeypatch.setattr(script, 'ticket_speed', speed)
    (tmp_path / 'study/seed_0/tickets').mkdir(parents=True)
    (tmp_path / 'study/seed_0/search.json').touch()
    for number in (1, 2):
        (tmp_path / f'study/seed_0/tickets/round_{number:02}.safetensors').touch()
    arguments = ['milliseconds.py', str(tmp_path / 'study'), str(tmp_path / 'numbers')]
    monkeypatch.setattr('sys.argv', arguments)
    script.main()
    (row,) = csv_rows(tmp_path / 'numbers/seed_0/milliseconds.csv')
    assert (row['round'], row['threads'], row['dense']) == ('1', '1', 'OpenVINO')
    assert [float(row[key]) for key in ('mmlth_ms', 'dense_ms', 'faster')] == [3, 6, 2]
    assert 'round_02.safetensors, 1 threads: failed' in capsys.readouterr().out.replace('\n', '')
    asked.clear()
    script.main()
    assert asked == [('round_02.safetensors', 'network', 1)]  # what is measured stays
    monkeypatch.setattr('sys.argv', [*arguments, '--seed', '7'])
    with pytest.raises(SystemExit):
        script.main()
    assert 'holds no search; run the study first' in capsys.readouterr().err.replace('\n', ' ')


def study_numbers(folder, values, **lottery):
    """What a study keeps of a search or branch whose rounds end at 0, 50 and 80 %."""
    rounds = [
        {'iter': end, 'sparsity': sparsity, 'metrics': {'AP': value}}
        for end, sparsity, value in zip((100, 100, 100), (0.0, 0.5, 0.8), values)
    ]
    state = {
        'rounds': rounds,
        'config': {'lottery': lottery},
        'branch': None,
        'rewind': {'what': 'weights', 'after': 'continue', 'iteration': 20},
    }
    folder.mkdir(parents=True)
    (folder / 'search.json').write_text(json.dumps(state))
    return state


def test_a_table_of_accuracy_against_cost(tmp_path, capsys, monkeypatch):
    table = load_script(TOOLS / 'cost_table.py')
    for seed, shift in enumerate((0.0, 0.02)):
        folder = tmp_path / f'seed_{seed}'
        study_numbers(folder, [0.5, 0.48 + shift, 0.44 + shift])
        # Each of its trainings is by itself: 20 iterations of the dense round, and its own 80.
        study_numbers(folder / 'branches/gradual', [0.5, 0.47, 0.45], method='gradual')
        short = study_numbers(folder / 'branches/short_0.8', [0.5, 0.3, 0.4], round_length=0.25)
        short['branch'] = {'label': 'short'}
        short['rounds'][1] |= {'iterations': 20, 'iter': 40}
        (folder / 'branches/short_0.8/search.json').write_text(json.dumps(short))
        if seed:
            continue
        study_numbers(folder / 'branches/once', [0.5, 0.4, 0.45])
        control = study_numbers(folder / 'branches/random', [0.5, 0.1, 0.1])
        control['branch'] = {'control': 'random', 'label': 'chance'}  # no way to a ticket
        (folder / 'branches/random/search.json').write_text(json.dumps(control))
    picture = tmp_path / 'cost.png'
    arguments = [str(tmp_path), '--metric', 'AP', '--levels', '.5', '.8', '--plot', str(picture)]
    monkeypatch.setattr('sys.argv', ['cost_table.py', *arguments])
    table.main()
    assert capsys.readouterr().out.splitlines() == [
        '| AP (cost) | 50% | 80% |',
        '| --- | ---: | ---: |',
        '| ticket | 0.490 ± 0.014 (1.80) | 0.450 ± 0.014 (2.60) |',
        '| gradual | 0.470 ± 0.000 (1.00) | 0.450 ± 0.000** (1.00) |',
        '| once | 0.400 (1.80) | 0.450* (2.60) |',
        '| short | – | 0.400 ± 0.000 (2.00) |',
    ]
    assert picture.read_bytes().startswith(b'\x89PNG')


def test_the_front_has_what_nothing_beats():
    table = load_script(TOOLS / 'cost_table.py')
    points = [
        table.Point(line, (mean,), cost)
        for line, mean, cost in (
            *(('full', 0.5, 9.0), ('dear', 0.4, 8.0), ('one', 0.4, 1.0)),
            *(('worse', 0.3, 1.0), ('half', 0.45, 4.0)),
        )
    ]
    assert [point.line for point in table.front(points)] == ['one', 'half', 'full']


def test_a_report_that_lacks_the_last_round_is_not_kept_as_it_is(tmp_path):
    """A study that is killed between a search's last round and its report."""
    kept = load_script(TOOLS / 'numbers_kept.py')
    (tmp_path / 'report').mkdir()
    (tmp_path / 'search.json').write_text('{"rounds": [{}, {}], "schedule": [2, 1]}')
    assert not kept.reported(tmp_path)
    for rows, reported in ((1, False), (2, True)):
        for name in kept.CSVS:
            (tmp_path / 'report' / name).write_text(
                'round\n' + ''.join(f'{i}\n' for i in range(rows))
            )
        assert kept.reported(tmp_path) == reported
