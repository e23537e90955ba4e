"""After a search the user's Runner is one that has trained: its scripts go on as without mmlth."""

from pathlib import Path

import pytest
import torch
from kit import record, ticket_of
from mmengine.registry import MODELS
from mmengine.runner import Runner
from toy import ITERATIONS_PER_EPOCH, toy_config


def last_round(work_dir):
    return record(Path(work_dir))['rounds'][-1]


def searched(work_dir, iterations=False, **changes):
    runner = Runner.from_cfg(toy_config(work_dir, iterations, **changes))
    model = runner.train()
    assert model is runner.model
    return runner


@pytest.fixture
def pretrained(tmp_path):
    """A checkpoint that is right about nothing."""
    model = MODELS.build({'type': 'ToyModel'})
    with torch.no_grad():
        model.fc.weight.mul_(-30)
    path = tmp_path / 'pretrained.pth'
    torch.save({'state_dict': model.state_dict(), 'meta': {}}, path)
    return path


def with_test(config):
    return {
        'test_dataloader': config.val_dataloader,
        'test_cfg': {},
        'test_evaluator': config.val_evaluator,
    }


@pytest.mark.parametrize('resumed', [False, True])
@pytest.mark.parametrize('average', [False, True])
def test_it_tests_the_last_ticket_and_not_load_from(tmp_path, pretrained, average, resumed):
    changes = {'load_from': str(pretrained), **with_test(toy_config(tmp_path))}
    if average:
        changes['custom_hooks'] = [{'type': 'EMAHook', 'momentum': 0.1, 'update_buffers': True}]
    runner = searched(tmp_path / 'work', **changes)
    if resumed:  # nothing is left to train
        runner = searched(tmp_path / 'work', **{**changes, 'load_from': None, 'resume': True})
    assert not runner.model.training  # as its last validation leaves a model
    expected = last_round(tmp_path / 'work')['metrics']
    assert runner.test() == expected
    assert runner.val() == expected
    ticket = ticket_of(tmp_path / 'work', 2)
    assert all(torch.equal(v, ticket.state_dict()[k]) for k, v in runner.model.state_dict().items())
    assert not runner.model.training


@pytest.mark.parametrize('iterations', [False, True])
@pytest.mark.parametrize('resumed', [False, True])
def test_its_counters_and_hub_are_those_of_the_last_round(tmp_path, resumed, iterations):
    """As scripts such as Optuna's read them."""

    def run(**changes):
        changes['lottery.rewind'] = '6it'
        return searched(tmp_path, iterations, **changes)

    runner = run()
    if resumed:
        runner = run(resume=True)
    assert runner.iter == runner.max_iters == 3 * ITERATIONS_PER_EPOCH
    assert runner.epoch == (0 if iterations else 3)
    accuracy = last_round(tmp_path)['metrics']['toy/accuracy']
    assert runner.message_hub.get_scalar('val/toy/accuracy').current() == accuracy
    assert len(runner.message_hub.get_scalar('train/loss').data[0])
    assert runner.message_hub.get_info('iter') == runner.iter - 1


@pytest.mark.parametrize('resumed', [False, True])
def test_the_counters_of_a_training_that_stopped_early(tmp_path, resumed):
    """By MMEngine's EarlyStoppingHook, without a checkpoint of the epoch that it stopped after."""
    changes = {
        'lottery.rewind': '0',
        'default_hooks.checkpoint': {'type': 'CheckpointHook', 'interval': 50},
        'custom_hooks': [
            {'type': 'EarlyStoppingHook', 'monitor': 'toy/accuracy', 'min_delta': 2, 'patience': 1}
        ],
    }
    runner = searched(tmp_path, **changes)
    if resumed:
        runner = searched(tmp_path, resume=True, **changes)
    assert (runner.iter, runner.epoch) == (2 * ITERATIONS_PER_EPOCH, 2)
    assert runner.max_epochs == 3


def test_a_search_in_parts_leaves_it_trained_by_the_last_part(tmp_path):
    runner = searched(tmp_path, **{'lottery.rounds_per_run': 1})
    assert runner.val() == last_round(tmp_path)['metrics']
    assert last_round(tmp_path)['round'] == 0
