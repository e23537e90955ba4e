"""A search by two real processes on CPUs, started as users start it."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from kit import record, shapes_options
from plain import ROOT, plain_config, plain_environment, tickets
from stack import mim_name
from toy import SIZED

import mmlth
from mmlth.data import make_shapes


def run(command, tmp_path, **environment):
    """Starts processes that find each other at a port of their own; they have two minutes."""
    done = subprocess.run(  # noqa: S603
        [str(part) for part in command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        start_new_session=True,
        env=plain_environment(PORT=_free_port(), **environment),
    )
    return done.returncode, done.stdout + done.stderr


def _free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def dist_train(config, *arguments, **environment):
    script = ROOT / 'tools/dist_train.sh'
    return run([script, config, 2, *arguments], config.parent, **environment)


@pytest.fixture(scope='module')
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp('undisturbed')
    code, out = dist_train(plain_config(folder), PLAIN_LOG=folder)
    assert code == 0, out[-3000:]
    return folder


def noted(folder, what):
    return [Path(folder, f'{what}_{rank}').read_text().split('\n') for rank in (0, 1)]


def test_masks_are_the_same_in_processes_that_are_seeded_differently(undisturbed):
    seeds, masks = noted(undisturbed, 'seeds'), noted(undisturbed, 'masks')
    assert seeds[0] != seeds[1]
    assert masks[0] == masks[1]
    assert len(set(masks[0])) == 3 + 1  # rounds, and what follows the last line


def test_only_the_first_process_writes(undisturbed):
    writes = Path(undisturbed, 'writes_0').read_text()
    assert 'search.json' in writes
    assert 'iter_2.pth' in writes
    assert not Path(undisturbed, 'writes_1').exists()


def test_two_processes_equal_one_at_the_same_batch(undisturbed, tmp_path):
    mmlth.search(plain_config(tmp_path, batch=4))
    for number in range(3):
        name = f'work/tickets/round_{number:02d}.safetensors'
        one, two = mmlth.load_ticket(tmp_path / name), mmlth.load_ticket(undisturbed / name)
        assert one.mask == two.mask
        for key, weight in one.state_dict().items():
            torch.testing.assert_close(two.state_dict()[key], weight, rtol=1e-4, atol=1e-6)


def test_a_method_by_two_processes_equals_that_by_one_at_the_same_batch(tmp_path):
    """RigL looks at gradients, of which each process has those of its own images."""
    lottery = {'method': {'type': 'rigl', 'every': 2}, 'target_sparsity': 0.75, 'rounds': None}
    code, out = dist_train(plain_config(tmp_path / 'two', lottery=lottery))
    assert code == 0, out[-3000:]
    mmlth.search(plain_config(tmp_path / 'one', batch=4, lottery=lottery))
    one, two = (
        mmlth.load_ticket(tmp_path / name / 'work/tickets/round_00.safetensors')
        for name in ('one', 'two')
    )
    assert one.mask == two.mask
    for key, weight in one.state_dict().items():
        torch.testing.assert_close(two.state_dict()[key], weight, rtol=1e-4, atol=1e-6)


def test_a_budget_in_multiply_adds_is_met_by_two_processes(tmp_path):
    lottery = {'budget': 'macs', 'rounds': 1, 'target_sparsity': 0.6}
    code, out = dist_train(
        plain_config(tmp_path / 'two', lottery=lottery, **SIZED), PLAIN_LOG=tmp_path
    )
    assert code == 0, out[-3000:]
    mmlth.search(plain_config(tmp_path / 'one', batch=4, lottery=lottery, **SIZED))
    masks = noted(tmp_path, 'masks')
    assert masks[0] == masks[1]
    one, two = (record(tmp_path / name / 'work') for name in ('one', 'two'))
    assert one['costs'] == two['costs']
    assert one['schedule'] == two['schedule']
    kept = [state['rounds'][-1]['kept_macs'] for state in (one, two)]
    assert kept[0] == kept[1] <= one['schedule'][-1]


def test_gaussian_weights_are_the_same_in_all_processes(tmp_path):
    """Gradients of means and deviations are averaged, since the wrapper knows of both."""
    changes = {
        'custom_hooks': [{'type': 'Watch'}, {'type': 'mmlth.BayesianHook', 'deviation': 0.5}],
        'optim_wrapper.optimizer.weight_decay': 0,
        'lottery': {'rounds': 1, 'score': 'signal_to_noise'},
    }
    code, out = dist_train(plain_config(tmp_path, **changes), PLAIN_LOG=tmp_path)
    assert code == 0, out[-3000:]
    weights = noted(tmp_path, 'weights')
    assert weights[0] == weights[1]
    assert [line.split()[0] for line in weights[0][:2]] == ['9', '9']  # three of them log σ
    deviations = mmlth.load_ticket(tmp_path / 'work/tickets/round_01.safetensors').deviations()
    assert all(deviation.unique().numel() > 5 for deviation in deviations.values())


def test_short_rounds_of_two_processes_equal_those_of_one(tmp_path):
    short = {'lottery.round_length': 0.5, 'lottery.rewind': '5it'}
    mmlth.search(plain_config(tmp_path / 'one', batch=4, **short))
    code, out = dist_train(plain_config(tmp_path / 'two', **short))
    assert code == 0, out[-3000:]
    rounds = [record(tmp_path / name / 'work')['rounds'] for name in ('one', 'two')]
    for one, two in zip(*rounds):
        assert one['iterations'] == two['iterations']
        assert one['learning_rates'] == two['learning_rates']
    # From inside the first of three epochs to the end of the second.
    assert [entry['iterations'] for entry in rounds[1]] == [18, 7, 13]


def test_each_process_asks_its_teacher(tmp_path):
    """Two processes with half the batch each learn what one does."""
    changes = {
        'model': {'type': 'TaughtModel', 'dropout': 0.0, 'norm': False},
        'custom_imports.imports': ['mmlth', 'plain', 'taught'],
        'lottery': {'rounds': 1, 'distil': 3.0},
    }
    code, out = dist_train(plain_config(tmp_path / 'two', **changes))
    assert code == 0, out[-3000:]
    mmlth.search(plain_config(tmp_path / 'one', batch=4, **changes))
    changes['lottery'] = {'rounds': 1}
    mmlth.search(plain_config(tmp_path / 'alone', batch=4, **changes))
    one, two, alone = (
        mmlth.load_ticket(tmp_path / name / 'work/tickets/round_01.safetensors')
        for name in ('one', 'two', 'alone')
    )
    for key, weight in one.state_dict().items():
        torch.testing.assert_close(two.state_dict()[key], weight, rtol=1e-4, atol=1e-6)
    weights = [each.state_dict()['conv.weight'] for each in (one, alone)]
    assert not torch.allclose(*weights, rtol=1e-3)


@pytest.mark.one_stack
def test_a_dead_process_ends_the_job_and_the_search_resumes(undisturbed, tmp_path):
    config = plain_config(tmp_path)
    code, out = dist_train(config, PLAIN_DIE='1:round_01:15')
    assert code != 0, out[-3000:]
    assert len(tickets(tmp_path)) == 1
    code, out = dist_train(config, '--resume')
    assert code == 0, out[-3000:]
    assert tickets(tmp_path) == tickets(undisturbed)


def batch_norm_and_averages(folder):
    """Each process has running statistics of its own, by which it validates its share."""
    hooks = [{'type': 'Watch'}, {'type': 'EMAHook', 'momentum': 0.1, 'update_buffers': True}]
    return plain_config(folder, model={'type': 'ToyModel'}, custom_hooks=hooks)


def test_running_statistics_of_all_processes_are_continued(tmp_path):
    code, out = dist_train(batch_norm_and_averages(tmp_path / 'whole'))
    assert code == 0, out[-3000:]
    config = batch_norm_and_averages(tmp_path / 'killed')
    assert dist_train(config, PLAIN_DIE='1:round_00:15')[0] != 0
    code, out = dist_train(config, '--resume')
    assert code == 0, out[-3000:]
    assert tickets(tmp_path / 'killed') == tickets(tmp_path / 'whole')


def test_processes_with_different_numbers_of_images_to_validate(tmp_path):
    """As MMPose's configs have it: none is validated twice."""
    loader = {'batch_size': 1, 'sampler': {'round_up': False}, 'dataset': {'images': 5}}
    config = plain_config(tmp_path, val_dataloader=loader, lottery={'rounds': 1})
    code, out = dist_train(config)
    assert code == 0, out[-3000:]


def test_a_loss_of_validation_is_the_mean_over_processes(tmp_path):
    lottery = {'rounds': 1, 'validation_loss': True}
    loader = {'batch_size': 1, 'dataset': {'images': 6}}
    code, out = dist_train(plain_config(tmp_path / 'two', val_dataloader=loader, lottery=lottery))
    assert code == 0, out[-3000:]
    mmlth.search(plain_config(tmp_path / 'one', batch=4, val_dataloader=loader, lottery=lottery))
    one, two = (validation_losses(tmp_path / name) for name in ('one', 'two'))
    assert len(one) == 3
    assert two == pytest.approx(one, rel=1e-4)


def validation_losses(folder):
    (file,) = folder.glob('work/round_00/*/vis_data/scalars.json')
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    return [line['val/loss'] for line in lines if 'val/loss' in line]


@pytest.mark.one_stack
@pytest.mark.parametrize('loop', ['epochs', 'iterations'])
def test_workers_end_with_their_process(tmp_path, loop):
    """They outlive a signal, and so would outlive the search."""
    workers = {'num_workers': 1, 'persistent_workers': loop == 'epochs'}
    config = plain_config(
        tmp_path,
        iterations=loop == 'iterations',
        train_dataloader=workers,
        lottery={'rewind': '6it'},
    )
    command = [sys.executable, '-m', 'mmlth', 'train', config, '--resume']
    code, out = run(command, tmp_path, PLAIN_SIGNAL='0:round_00:4')
    assert code == 75, out[-3000:]
    code, out = run(command, tmp_path)
    assert code == 0, out[-3000:]
    assert len(tickets(tmp_path)) == 3


def test_scores_that_differ_by_process_give_one_mask(tmp_path):
    imports = {'imports': ['mmlth', 'plain', 'dice']}
    config = plain_config(tmp_path, lottery={'score': 'dice', 'rounds': 1}, custom_imports=imports)
    code, out = dist_train(config, PLAIN_LOG=tmp_path)
    assert code == 0, out[-3000:]
    masks = noted(tmp_path, 'masks')
    assert masks[0] == masks[1]


def test_the_network_is_evaluated_by_one_process_as_if_it_were_alone(tmp_path):
    """The others wait for the mask, so whatever it asked of them would never come."""
    imports = {'imports': ['mmlth', 'plain', 'dice']}
    lottery = {'score': 'Feeling', 'rounds': 1, 'target_sparsity': 0.5}
    config = plain_config(tmp_path, lottery=lottery, custom_imports=imports)
    code, out = dist_train(config, PLAIN_LOG=tmp_path)
    assert code == 0, out[-3000:]
    masks = noted(tmp_path, 'masks')
    assert masks[0] == masks[1]


def test_mim_train_searches_with_the_demo_by_two_processes(tmp_path):
    make_shapes(tmp_path, train=8, val=4)
    demo = ROOT / 'configs/lth/mask_rcnn/mask_rcnn_tiny_shapes_imp.py'
    mim = Path(sys.executable).with_name('mim')
    options = ['--launcher', 'pytorch', '--gpus', 2, '--port', _free_port()]
    options += ['--work-dir', tmp_path / 'work', '--cfg-options']
    options += [
        *(f'{key}={value}' for key, value in shapes_options(tmp_path).items()),
        'train_dataloader.batch_size=2',
        'train_cfg.max_epochs=2',
        'train_cfg.val_interval=2',
        'lottery.rounds=1',
    ]
    code, out = run([mim, 'train', mim_name(), demo, *options], tmp_path)
    assert code == 0, out[-3000:]
    state = record(tmp_path / 'work')
    assert state['world_size'] == 2
    assert [round(entry['sparsity'], 4) for entry in state['rounds']] == [0.0, 0.8]


def test_torchrun_without_a_launcher_is_refused(tmp_path):
    command = [sys.executable, '-m', 'torch.distributed.run', '--nproc_per_node', 2]
    command += ['--master_port', _free_port(), '-m', 'mmlth', 'train', plain_config(tmp_path)]
    code, out = run(command, tmp_path)
    assert code != 0
    assert 'give --launcher pytorch' in out
    assert not (tmp_path / 'work').exists()


@pytest.mark.parametrize('arguments', [[], ['config.py'], ['config.py', 'two']])
def test_dist_train_tells_its_usage(tmp_path, arguments):
    code, out = run([ROOT / 'tools/dist_train.sh', *arguments], tmp_path)
    assert code == 2
    assert out.startswith('usage: dist_train.sh CONFIG GPUS')


def test_the_first_process_alone_shows_progress(tmp_path):
    code, out = dist_train(plain_config(tmp_path, lottery={'progress': True, 'rounds': 1}))
    assert code == 0, out[-3000:]
    for index in (0, 1):
        assert out.count(f'round {index} of 1, sparsity {75.0 * index}%, done in') == 1
    assert out.count('ticket: ') == 1
    assert 'mmengine' not in out
