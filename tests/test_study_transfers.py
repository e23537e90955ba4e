"""``tools/study/transfers.py``: what it compares, at which sparsities, and its table."""

import json
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest
import torch
from converters import load_script
from plain import plain_config, plain_environment
from repository import ROOT

import mmlth
from mmlth.ticket import load_rewind_weights

TOOLS = ROOT / 'tools/study'

pytestmark = pytest.mark.one_stack


@pytest.fixture(scope='module')
def transfers():
    return load_script(TOOLS / 'transfers.py')


def of_seeds(transfers, *seeds, targets=('boxes', 'masks', 'keypoints'), methods=('random',)):
    options = Namespace(work_dir=Path('W'), numbers=Path('N'), seeds=seeds, targets=targets)
    options.methods, options.sources = methods, list(transfers.SEARCHES)
    return transfers.tasks(options)


def test_direct_pruning_prunes_as_many_weights_as_a_ticket_of_the_backbone(transfers):
    for target in transfers.TARGETS.values():
        prunable, _ = mmlth.targets(ROOT / target.config)
        backbone = sum(each.numel for each in prunable if each.name.startswith('backbone.'))
        assert backbone == transfers.BACKBONE
        assert sum(each.numel for each in prunable) == target.prunable
        for level, direct in zip(transfers.LEVELS, target.sparsities):
            assert abs(level * backbone - direct * target.prunable) < 1e-4 * target.prunable


def test_each_training_waits_for_the_files_that_it_reads(transfers):
    tasks = of_seeds(transfers, 0, 7, methods=('random', 'one_shot', 'long_dense'))
    folders = [task.work_dir for task in tasks]
    assert len(set(folders)) == len(folders)
    searches = {task.work_dir for task in tasks if 'train' in task.command}
    for task in tasks:
        assert set(task.after) <= searches - {task.work_dir}
        assert task.numbers == Path('N', *task.work_dir.parts[1:])
        read = {Path(text.split('=')[-1]) for text in task.command if '/tickets/' in text}
        assert {path.parent.parent for path in read} <= set(task.after)
        seeds = {part for folder in (task.work_dir, *task.after) for part in folder.parts}
        assert len({part for part in seeds if part.startswith('seed_')}) == 1


def test_only_chosen_tasks_give_and_take_tickets(transfers):
    names = {task.work_dir.parts[1] for task in of_seeds(transfers, 0, targets=['boxes'])}
    assert 'boxes_ticket' in names
    assert not [name for name in names if 'masks' in name or 'keypoints' in name]
    both = {task.work_dir.parts[1] for task in of_seeds(transfers, 0, targets=['boxes', 'masks'])}
    assert {'boxes_from_masks', 'masks_from_boxes'} <= both
    assert 'boxes_from_keypoints' not in both


def test_what_is_transferred_is_trained_under_its_mask_and_its_numbers_stay(tmp_path):
    config = plain_config(tmp_path)
    mmlth.search(config, work_dir=tmp_path / 'source', target_sparsity=0.5, rounds=1)
    ticket = tmp_path / 'source/tickets/round_01.safetensors'
    work_dir = tmp_path / 'given'
    command = [sys.executable, str(TOOLS / 'train_ticket.py'), str(ticket), str(config)]
    command += ['--work-dir', str(work_dir), '--values', 'initial', '--any-input']
    measured = []
    for _ in range(2):  # one that was stopped begins anew, and ends alike
        done = subprocess.run(  # noqa: S603
            command, check=False, capture_output=True, text=True, env=plain_environment()
        )
        assert done.returncode == 0, done.stderr
        measured.append((work_dir / 'training.json').read_text())
    assert measured[0] == measured[1]
    source, given = (
        mmlth.load_ticket(ticket),
        mmlth.load_ticket(work_dir / 'transferred.safetensors'),
    )
    numbers = json.loads((work_dir / 'training.json').read_text())
    trained = mmlth.load_ticket(max(work_dir.glob('training/iter_*.safetensors')))
    assert given.mask == trained.mask == source.mask
    initial = load_rewind_weights(tmp_path / 'source/rewind.safetensors')
    for name, mask in source.mask.items():
        masked = torch.where(mask, initial[name], 0)
        assert torch.equal(given.state_dict()[name], masked)
        assert not torch.equal(source.state_dict()[name], masked)  # which is trained
        assert not torch.equal(trained.state_dict()[name], masked)
    assert numbers['sparsity'] == source.mask.sparsity
    assert list(numbers['metrics']) == ['toy/accuracy']


def test_the_last_validation_counts_of_all_that_a_stopped_training_logged(tmp_path):
    script = load_script(TOOLS / 'train_ticket.py')
    for name, rows in {
        '20260101_0': [{'AP': 0.1, 'step': 1}, {'lr': 0.1, 'loss': 2, 'step': 2}],
        '20260101_1': [{'lr': 0.1}, {'AP': 0.4, 'AR': 0.5, 'time': 1, 'data_time': 1, 'step': 4}],
    }.items():
        path = tmp_path / name / 'vis_data/scalars.json'
        path.parent.mkdir(parents=True)
        path.write_text('\n'.join(map(json.dumps, rows)))
    assert script.last_metrics(tmp_path) == {'AP': 0.4, 'AR': 0.5}
    with pytest.raises(ValueError, match='no validation is logged below'):
        script.last_metrics(tmp_path / 'elsewhere')


def numbers_of(folder, values, label=None):
    rows = ''.join(f'{i},{s},{v}\n' for i, (s, v) in enumerate(values))
    folder.mkdir(parents=True)
    (folder / 'results.csv').write_text(f'round,network_sparsity,AP\n{rows}')
    (folder / 'search.json').write_text(json.dumps({'branch': label and {'label': label}}))


def test_a_table_against_direct_pruning(tmp_path, capsys, monkeypatch):
    table = load_script(TOOLS / 'transfers_table.py')
    for seed, shift in enumerate((0.0, 0.1)):
        name = f'seed_{seed}'
        numbers_of(tmp_path / 'boxes' / name, [(0.0, 0.5), (0.8, 0.4 + shift), (0.9, 0.3)])
        alone = tmp_path / 'boxes' / name / 'branches/one_shot_0.8'
        numbers_of(alone, [(0.0, 0.5), (0.8, 0.2)], label='one_shot')
        longer = tmp_path / 'boxes' / name / 'branches/long_dense'
        numbers_of(longer, [(0.0, 0.5), (0.0, 0.6 + shift)])
        numbers_of(tmp_path / 'boxes_backbone' / name, [(0.0, 0.5), (0.795, 0.3 + 2 * shift)])
        given = tmp_path / 'boxes_ticket' / name / 'round_02'
        given.mkdir(parents=True)
        measured = {'network_sparsity': 0.901, 'metrics': {'AP': 0.25 + seed / 100}}
        (given / 'training.json').write_text(json.dumps(measured))
    numbers_of(tmp_path / 'masks/seed_0', [(0.0, 0.9), (0.5, 0.9)])
    arguments = ['table', str(tmp_path), 'boxes', '--metric', 'AP']
    monkeypatch.setattr('sys.argv', arguments)
    table.main()
    assert capsys.readouterr().out.splitlines() == [
        '| AP | 0.0% | 80.0% | 90.0% |',
        '| --- | ---: | ---: | ---: |',
        '| dense | 0.500 ± 0.000 | – | – |',
        '| direct | – | 0.450 ± 0.071 | 0.300 ± 0.000 |',
        '| backbone | – | 0.400 ± 0.141 (-0.050 ± 0.071) | – |',
        '| long_dense | 0.650 ± 0.071* | – | – |',
        '| one_shot | – | 0.200 ± 0.000 (-0.250 ± 0.071) | – |',
        '| ticket | – | – | 0.255 ± 0.007 (-0.045 ± 0.007) |',
    ]
    monkeypatch.setattr('sys.argv', [*arguments, '--against', 'dense'])
    table.main()
    assert capsys.readouterr().out.splitlines()[-3:] == [
        '| long_dense | 0.650 ± 0.071* (+0.150 ± 0.071) | – | – |',
        '| one_shot | – | 0.200 ± 0.000 (-0.300 ± 0.000) | – |',
        '| ticket | – | – | 0.255 ± 0.007 (-0.245 ± 0.007) |',
    ]
    monkeypatch.setattr('sys.argv', ['table', str(tmp_path), 'poses', '--metric', 'AP'])
    with pytest.raises(SystemExit):
        table.main()
    assert 'has no searches of poses' in capsys.readouterr().err


def test_a_paired_test_and_what_wins_against_which_dense_model(tmp_path):
    table = load_script(TOOLS / 'transfers_table.py')
    seeds = ('seed_0', 'seed_1', 'seed_2')

    def line(*values):
        return dict(zip(seeds, values))

    levels = {
        0.0: {'dense': line(0.4, 0.5, 0.6), 'long_dense': line(0.7, 0.8, 0.9)},
        0.8: {
            'direct': line(0.39, 0.38, 0.4),
            'best': line(0.69, 0.71, 0.71),
            'good': line(0.49, 0.58, 0.7),
            'same': line(0.39, 0.38, 0.4),
        },
    }
    rows = table.table(levels, 'AP').splitlines()[2:]
    cells = {row.split(' | ')[0][2:]: row.split(' | ')[-1][:-2] for row in rows}
    # Differences .1, .2, .3: t = .2 / (.1 / √3) = 2√3; with two degrees p = 1 - t / √(t² + 2).
    p = 1 - 2 * 3**0.5 / 14**0.5
    assert round(p, 3) == 0.074
    assert cells['good'] == '0.590 ± 0.105* (+0.200 ± 0.100, p 0.074)'
    assert cells['best'].startswith('0.703 ± 0.012** (+0.313 ± 0.015, p <0.001')
    assert cells['direct'] == '0.390 ± 0.010'  # below .4, the dense models' mean less a deviation
    assert cells['same'] == '0.390 ± 0.010 (+0.000 ± 0.000)'
    worse = {**levels, 0.8: {**levels[0.8], 'good': line(0.49, 0.58)}}
    assert '(+0.150 ± 0.071) |' in table.table(worse, 'AP')  # two pairs tell nothing
