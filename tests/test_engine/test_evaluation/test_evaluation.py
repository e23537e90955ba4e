"""Evaluating weights one after another, with running statistics of their own."""

import pytest
import torch
from kit import ticket_of
from mmengine.hooks import Hook
from mmengine.registry import HOOKS, MODELS
from mmengine.runner import Runner
from toy import ToyDataset, ToyModel, toy_config

from mmlth import LotteryError
from mmlth.engine.evaluation.evaluation import Evaluation
from mmlth.engine.evaluation.running_statistics import average_statistics
from mmlth.engine.models.unwrapped import bare_model
from mmlth.engine.tickets.any_weights import read_weights


@pytest.fixture(scope='module')
def work_dir(tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('search')
    config = toy_config(work_dir, custom_hooks=[{'type': 'EMAHook', 'momentum': 0.3}])
    Runner.from_cfg(config).train()
    return work_dir


@HOOKS.register_module(force=True)
class SpoilHook(Hook):
    """As hooks of training may, it changes the weights that are validated."""

    def before_val_epoch(self, runner):
        for parameter in runner.model.parameters():
            parameter.data.zero_()


def weights(seed):
    torch.manual_seed(seed)
    return ToyModel().state_dict()


def metrics_of(state, folder):
    """By a Runner of MMEngine alone."""
    config = toy_config(folder)
    config.pop('lottery')
    runner = Runner.from_cfg(config)
    runner.model.load_state_dict(state)
    return runner.val()


def test_metrics_are_those_of_the_weights_it_is_given_now(work_dir, tmp_path):
    """Not those of averages, of what other hooks make of them, or of the weights before."""
    hooks = [{'type': 'EMAHook', 'momentum': 0.3}, {'type': 'SpoilHook'}]
    config = toy_config(tmp_path / 'a', custom_hooks=hooks)
    evaluation = Evaluation(config, tmp_path / 'a')
    states = [ticket_of(work_dir, i).state_dict() for i in (0, 2)]
    constant = {name: torch.zeros_like(tensor) for name, tensor in states[0].items()}
    for state in (*states, constant, states[0]):
        assert evaluation(state) == metrics_of(state, tmp_path / 'b')
    assert evaluation(constant) == {'toy/accuracy': 0.5}


def test_a_config_is_left_as_it_is(tmp_path):
    config = toy_config(tmp_path)
    before = config.to_dict()
    Evaluation(config, tmp_path)
    assert config.to_dict() == before


def test_loaders_that_mmengine_gave_a_scope(work_dir, tmp_path):
    """As in what is inherited from ``mmpretrain::…``; see `plain_loader`."""
    config = toy_config(tmp_path)
    for loader in (config.train_dataloader, config.val_dataloader):
        loader.collate_fn['_scope_'] = 'mmengine'
    ticket = ticket_of(work_dir, 0)
    assert 'toy/accuracy' in Evaluation(config, tmp_path, statistics=1)(ticket.state_dict())


def test_statistics_are_the_means_over_batches(tmp_path):
    model = MODELS.build({'type': 'ToyModel', 'dropout': 0.0})
    images = [torch.randn(4, 3, 6, 6) * scale for scale in (1, 2, 3)]
    batches = [{'inputs': list(each), 'data_samples': [0, 1, 0, 1]} for each in images]
    average_statistics(model, batches, 3)
    seen = [model.conv(each) for each in images]
    means = torch.stack([each.mean((0, 2, 3)) for each in seen]).mean(0)
    variances = torch.stack([each.var((0, 2, 3)) for each in seen]).mean(0)
    assert torch.allclose(model.bn.running_mean, means, atol=1e-6)
    assert torch.allclose(model.bn.running_var, variances, atol=1e-5)
    assert (model.bn.momentum, model.training) == (0.1, False)
    assert int(model.bn.num_batches_tracked) == 3
    average_statistics(model, batches[:1], 2)  # gone through twice
    assert int(model.bn.num_batches_tracked) == 2


def test_recomputed_statistics_decide_the_metrics(work_dir, tmp_path):
    ticket = ticket_of(work_dir, 0).state_dict()
    broken = {**ticket, 'bn.running_mean': torch.full((8,), 50.0)}  # of which nothing is left
    assert Evaluation(toy_config(tmp_path / 'a'), tmp_path / 'a')(broken) == {'toy/accuracy': 0.5}
    evaluation = Evaluation(toy_config(tmp_path / 'b'), tmp_path / 'b', statistics=6)
    result = evaluation(broken)
    assert result['toy/accuracy'] > 0.7
    model = bare_model(evaluation.runner)
    statistics = model.bn.running_mean.clone()
    torch.manual_seed(123)  # whatever was drawn before, each network sees the same batches
    assert evaluation(ticket) == result
    assert torch.equal(model.bn.running_mean, statistics)


class FrozenNorm(ToyModel):
    def train(self, mode=True):
        super().train(mode)
        self.bn.eval()
        return self


def test_frozen_statistics_stay(tmp_path):
    MODELS.register_module(name='FrozenNorm', module=FrozenNorm, force=True)
    config = toy_config(tmp_path, **{'model.type': 'FrozenNorm'})
    with pytest.raises(LotteryError, match='no layer of the model trains running statistics'):
        Evaluation(config, tmp_path, statistics=2)
    model = MODELS.build({'type': 'FrozenNorm'})
    before = model.bn.running_mean.clone()
    average_statistics(model, [ToyDataset()[0]], 0)
    assert torch.equal(model.bn.running_mean, before)


def test_weights_of_another_model(tmp_path):
    evaluation = Evaluation(toy_config(tmp_path), tmp_path)
    with pytest.raises(LotteryError, match=r'of another model: .*fc\.weight') as raised:
        evaluation({k: v for k, v in weights(0).items() if k != 'fc.weight'})
    assert '\n' not in str(raised.value)


def test_a_config_without_validation(tmp_path):
    config = toy_config(tmp_path)
    for key in ('val_dataloader', 'val_cfg', 'val_evaluator'):
        config.pop(key)
    with pytest.raises(LotteryError, match='says nothing of validation'):
        Evaluation(config, tmp_path)


def test_reading_weights_of_every_kind(work_dir):
    ticket = read_weights(work_dir / 'tickets/round_02.safetensors')
    assert ticket.mask.sparsity == 0.75
    checkpoint = read_weights(work_dir / 'round_02/epoch_3.pth')
    assert all(torch.equal(ticket.weights[k], t) for k, t in checkpoint.weights.items())
    rewind = read_weights(work_dir / 'rewind.safetensors')
    assert set(rewind.weights) == set(ticket.weights)
    assert set(rewind.mask) == {'conv.weight', 'depthwise.weight', 'fc.weight'}
    with pytest.raises(FileNotFoundError):
        read_weights(work_dir / 'no.safetensors')
