"""Gaussian weights in any training: what is drawn, where the prior pulls, what is refused."""

import copy
import re

import pytest
import torch
from gaussian import NAMES, gaussian_config, starts
from mmengine.hooks import Hook
from mmengine.registry import HOOKS, MODELS
from mmengine.runner import Runner
from toy import IMAGES, ToyModel

from mmlth import LotteryError
from mmlth.engine.checkpoints import load_checkpoint_safely
from mmlth.pruning import divergence, gaussian_weights, kaiming_scale

seen = []


@HOOKS.register_module(force=True)
class WeightsSpy(Hook):
    """Notes what layers compute with in each forward pass of training and validation."""

    def before_train(self, runner):
        seen.clear()
        runner.model.fc.register_forward_pre_hook(
            lambda fc, _: seen.append((fc.training, fc.weight.detach().clone(), copy_of(fc)))
        )


def copy_of(layer):
    return layer._parameters['weight'].detach().clone()


def test_any_training(tmp_path):
    runner = Runner.from_cfg(gaussian_config(tmp_path, [{'type': 'WeightsSpy'}]))
    runner.train()
    training = [(drawn, mean) for trains, drawn, mean in seen if trains]
    assert len(training) == 18
    assert not any(torch.equal(drawn, mean) for drawn, mean in training)
    assert all(torch.equal(drawn, mean) for trains, drawn, mean in seen if not trains)
    apart = [(drawn - mean).std() for drawn, mean in training]
    scale = 0.1 * kaiming_scale(training[0][1])
    assert 0.3 * scale < torch.stack(apart).mean() < 3 * scale
    (group,) = runner.optim_wrapper.optimizer.param_groups
    assert len(group['params']) == len(ToyModel().state_dict()) - 3 + 3  # less buffers, and log σ
    starts = [0.1 * kaiming_scale(mean) for mean, _ in gaussian_weights(runner.model)]
    for start, (_, log_deviation) in zip(starts, gaussian_weights(runner.model)):
        assert not torch.allclose(log_deviation, torch.tensor(start).log(), atol=1e-4)  # trained
    told = runner.message_hub.get_scalar('train/divergence').current()
    assert told == pytest.approx(0.1 * float(divergence(runner.model, 1)) / IMAGES)
    # What is saved loads into the stock model, as its mean.
    model = ToyModel().eval()
    saved = load_checkpoint_safely(tmp_path / 'epoch_3.pth')['state_dict']
    assert model.load_state_dict(saved, strict=False).missing_keys == []
    runner.model.eval()
    images = torch.randn(3, 3, 6, 6)
    assert torch.equal(model(images), runner.model(images))
    # A copy, as an average is, draws nothing, for itself or for its original.
    copied = copy.deepcopy(runner.model.train())
    copied.dropout.eval()
    losses = [copied(images, torch.tensor([0, 1, 0]), mode='loss')['loss'] for _ in range(2)]
    assert torch.equal(*losses)
    assert 'weight' not in runner.model.fc.__dict__


def test_without_noise_and_prior_it_is_the_ordinary_training(tmp_path):
    """σ of nothing and a temperature of 0 leave the weights as they would be."""
    config = gaussian_config(tmp_path / 'a', **{'model.dropout': 0.0})
    config.custom_hooks[0].update(deviation=1e-30, temperature=0)
    config.optim_wrapper.pop('clip_grad')
    config.train_dataloader.dataset.augment = False
    runner = Runner.from_cfg(config)
    runner.train()
    plain = config.copy()
    plain.work_dir, plain.experiment_name = str(tmp_path / 'b'), 'plain'
    plain.custom_hooks = []
    stock = Runner.from_cfg(plain)
    stock.train()
    for name, weight in stock.model.state_dict().items():
        torch.testing.assert_close(runner.model.state_dict()[name], weight)


def test_the_prior_pulls_in_each_step(tmp_path):
    """Plain SGD without data: the means shrink by lr · T / N · μ / s² a step."""
    config = gaussian_config(tmp_path, [{'type': 'StartSpy'}], **{'model.type': 'NoLossModel'})
    config.custom_hooks[0].update(prior=0.5, temperature=2.0)
    config.optim_wrapper = {'optimizer': {'type': 'SGD', 'lr': 0.25}, 'type': 'OptimWrapper'}
    config.param_scheduler = None
    runner = Runner.from_cfg(config)
    runner.train()
    before, after = starts[-1], runner.model.state_dict()
    for name in NAMES:
        variance = (0.5 * kaiming_scale(before[name])) ** 2
        shrink = (1 - 0.25 * 2 / IMAGES / variance) ** 18
        torch.testing.assert_close(after[name], before[name] * shrink, rtol=1e-4, atol=1e-7)


@MODELS.register_module(force=True)
class NoLossModel(ToyModel):
    """Learns nothing."""

    def forward(self, *args, mode='tensor', **kwargs):
        result = super().forward(*args, mode=mode, **kwargs)
        return {'loss': result['loss'] * 0} if mode == 'loss' else result


def test_models_that_draw_all_parameters_anew(tmp_path):
    """As DETR and its kin initialise whatever has two dimensions."""
    runner = Runner.from_cfg(
        gaussian_config(tmp_path, [{'type': 'StartSpy'}], **{'model.type': 'DrawsAll'})
    )
    runner.train()
    for name in NAMES:
        log_deviation = starts[-1][f'{name}_mmlth_log_sigma']
        expected = 0.1 * kaiming_scale(log_deviation)
        torch.testing.assert_close(log_deviation.exp(), torch.full_like(log_deviation, expected))


@MODELS.register_module(force=True)
class DrawsAll(ToyModel):
    """Initialises all of its parameters alike."""

    def init_weights(self):
        for parameter in self.parameters():
            torch.nn.init.ones_(parameter)


def test_what_computes_with_means(tmp_path):
    """A hook that runs the model between iterations, and a training that was broken off."""
    hooks = [{'type': 'Between'}]
    config = gaussian_config(tmp_path, hooks)
    runner = Runner.from_cfg(config)
    runner.register_hook(BreaksOff())
    with pytest.raises(KeyboardInterrupt):
        runner.train()
    model, fc = runner.model, runner.model.fc
    assert fc.weight is not fc._parameters['weight']  # drawn, and left so
    model.eval()
    model(torch.randn(1, 3, 6, 6))
    assert fc.weight is fc._parameters['weight']
    runner = Runner.from_cfg(gaussian_config(tmp_path / 'b', hooks))
    runner.train()
    assert not runner.model._forward_pre_hooks
    copy.deepcopy(runner.model)


class BreaksOff(Hook):
    """Ends the training within an iteration."""

    priority = 'HIGHEST'

    def before_train(self, runner):
        def broken(*args, **kwargs):
            raise KeyboardInterrupt

        runner.optim_wrapper.optimizer.register_step_pre_hook(broken)


@HOOKS.register_module(force=True)
class Between(Hook):
    """Runs the model between iterations."""

    def after_train_iter(self, runner, *args, **kwargs):
        images, labels = torch.randn(2, 3, 6, 6), torch.tensor([0, 1])
        runner.model(images, labels, mode='loss')
        assert 'weight' not in runner.model.fc.__dict__


def test_a_checkpoint_without_deviations_is_not_resumed(tmp_path):
    config = gaussian_config(tmp_path)
    hooks = config.custom_hooks
    config.custom_hooks = [{'type': 'mmlth.ResumeHook'}]
    Runner.from_cfg(config).train()
    config.custom_hooks = [*hooks, {'type': 'mmlth.ResumeHook'}]
    config.resume, config.train_cfg.max_epochs, config.experiment_name = True, 4, 'again'
    with pytest.raises(LotteryError, match='is of a training without BayesianHook; start from'):
        Runner.from_cfg(config).train()


def test_two_hooks_and_an_optimizer_with_a_state(tmp_path):
    config = gaussian_config(tmp_path / 'a', [{'type': 'mmlth.BayesianHook'}])
    with pytest.raises(LotteryError, match='more than one BayesianHook'):
        Runner.from_cfg(config).train()
    config = gaussian_config(tmp_path / 'b')
    config.optim_wrapper.optimizer = {'type': 'Adagrad', 'lr': 0.01}
    with pytest.raises(LotteryError, match='Adagrad, which has its state already'):
        Runner.from_cfg(config).train()


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'deviation': 0}, 'BayesianHook.deviation must be a number above 0, got 0'),
        ({'prior': -1}, 'BayesianHook.prior must be a number above 0, got -1'),
        ({'temperature': -1}, 'BayesianHook.temperature must be a number of at least 0, got -1'),
        ({'temperature': '1'}, "BayesianHook.temperature must be a number of at least 0, got '1'"),
        ({'temperature': float('inf')}, 'must be a number of at least 0, got inf'),
        ({'targets': {'include': ['nowhere']}}, 'nowhere'),
    ],
)
def test_bad_options(tmp_path, options, message):
    config = gaussian_config(tmp_path)
    config.custom_hooks[0].update(options)
    with pytest.raises(LotteryError, match=re.escape(message)):
        Runner.from_cfg(config).train()


def test_weight_decay_beside_a_prior(tmp_path):
    config = gaussian_config(tmp_path)
    config.optim_wrapper.optimizer.weight_decay = 0.01
    message = '3 Gaussian weights have weight_decay=0.01; set optim_wrapper.optimizer.weight_decay'
    with pytest.raises(LotteryError, match=message):
        Runner.from_cfg(config).train()


@MODELS.register_module(force=True)
class CallsNothing(ToyModel):
    """Computes its losses without calling itself."""

    def train_step(self, data, optim_wrapper):
        losses = self.forward(**self.data_preprocessor(data, True), mode='loss')
        loss, logged = self.parse_losses(losses)
        optim_wrapper.update_params(loss)
        return logged


def test_a_model_that_does_not_call_itself(tmp_path):
    config = gaussian_config(tmp_path, **{'model.type': 'CallsNothing'})
    with pytest.raises(LotteryError, match='CallsNothing trains without calling itself'):
        Runner.from_cfg(config).train()
