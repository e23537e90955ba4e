"""Gaussian weights in real Runners: trainings, searches, tickets, what is refused."""

import copy
import itertools
import re

import pytest
import torch
from kit import bits, masks_of, record, search_by, ticket_bytes, ticket_of, tickets_of
from mmengine.hooks import Hook
from mmengine.registry import HOOKS, MODELS
from mmengine.runner import Runner, load_checkpoint
from toy import IMAGES, ToyModel, toy_config

import mmlth
from mmlth import LotteryError, load_ticket, save_ticket
from mmlth.engine.checkpoints import load_checkpoint_safely
from mmlth.pruning import divergence, gaussian_weights, kaiming_scale
from mmlth.ticket import load_rewind_weights

GAUSSIAN = {'custom_hooks': [{'type': 'mmlth.BayesianHook', 'deviation': 0.1, 'temperature': 0.1}]}
BY_NOISE = {'target_sparsity': 0.75, 'rounds': 2, 'rewind': '1ep', 'score': 'signal_to_noise'}
NAMES = ('conv.weight', 'depthwise.weight', 'fc.weight')
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


def gaussian_config(work_dir, hooks=(), lottery=None, **changes):
    """The toy config with Gaussian weights; without ``lottery`` an ordinary training."""
    config = toy_config(work_dir, **changes)
    config.optim_wrapper.optimizer.weight_decay = 0
    config.custom_hooks = [*GAUSSIAN['custom_hooks'], *hooks]
    config.pop('lottery')
    if lottery is not None:
        config.lottery = lottery
    return config


@pytest.fixture(scope='module')
def searched(tmp_path_factory):
    """A search with Gaussian weights, by their signal-to-noise ratio."""
    folder = tmp_path_factory.mktemp('bayes')
    search_by(gaussian_config(folder, lottery=BY_NOISE))
    return folder


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
    config = gaussian_config(tmp_path, [{'type': 'NoLoss'}], **{'model.type': 'NoLossModel'})
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


@HOOKS.register_module(force=True)
class NoLoss(Hook):
    """Notes what a training starts from."""

    def before_train(self, runner):
        starts.append({n: t.clone() for n, t in runner.model.state_dict().items()})


def test_models_that_draw_all_parameters_anew(tmp_path):
    """As DETR and its kin initialise whatever has two dimensions."""
    runner = Runner.from_cfg(
        gaussian_config(tmp_path, [{'type': 'NoLoss'}], **{'model.type': 'DrawsAll'})
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


def test_controls_of_weights_that_are_trained_on(tmp_path):
    """What a random mask revives has the deviation of the dense model."""
    lottery = {**BY_NOISE, 'rewind_what': 'learning_rate'}
    search_by(gaussian_config(tmp_path, [{'type': 'StartSpy'}], lottery=lottery))
    mmlth.branch(tmp_path, 'random', tickets=[2])
    dense, before = (ticket_of(tmp_path, number) for number in (0, 1))
    mask = tickets_of(tmp_path / 'branches/random')[-1].mask
    revived = 0
    for name, kept in mask.items():
        key = f'{name}_mmlth_log_sigma'
        expected = torch.where(before.mask[name], before.weights[key], dense.weights[key])
        assert bits(starts[-1][key]) == bits(expected.masked_fill(~kept, 0))
        revived += int((kept & ~before.mask[name]).sum())
    assert revived


def test_the_best_weights_keep_their_deviations(tmp_path):
    lottery = {**BY_NOISE, 'rewind': 'best', 'checkpoints': 'tickets'}
    hooks = {'default_hooks.checkpoint.save_best': 'toy/accuracy'}
    search_by(gaussian_config(tmp_path, lottery=lottery, **hooks))
    theta = load_rewind_weights(tmp_path / 'rewind.safetensors')
    assert theta['conv.weight_mmlth_log_sigma'].unique().numel() > 10


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


def test_a_search_prunes_by_signal_to_noise(searched):
    state = record(searched)
    masks = masks_of(searched)
    assert [mask.kept for mask in masks] == state['schedule']
    assert all(new.issubset(old) for old, new in itertools.pairwise(masks))
    before = ticket_of(searched, 0)
    ratios = {n: before.state_dict()[n].abs() / s for n, s in before.deviations().items()}
    values = torch.cat([ratios[name].flatten() for name in masks[1]])
    kept = torch.cat([kept.flatten() for kept in masks[1].values()])
    assert values[kept].min() >= values[~kept].max() * (1 - 1e-5)
    assert state['parameters'] == sum(p.numel() for p in ToyModel().parameters())


def test_mean_and_deviation_are_zero_where_pruned(searched):
    for ticket in tickets_of(searched)[1:]:
        assert ticket.deviations().keys() == set(NAMES)
        for name, kept in ticket.mask.items():
            for tensor in (
                ticket.state_dict()[name],
                ticket.weights[f'{name}_mmlth_log_sigma'],
                ticket.deviations()[name],
            ):
                assert not tensor[~kept].any()
            assert (ticket.deviations()[name][kept] > 0).all()
    state = load_checkpoint_safely(searched / 'round_02/epoch_3.pth')
    ids = dict(enumerate(state['optimizer']['param_groups'][0]['params']))
    assert len(ids) == 11
    for name, kept in ticket_of(searched, 2).mask.items():
        assert not state['state_dict'][f'{name}_mmlth_log_sigma'][~kept].any()
    shapes = {tuple(kept.shape): kept for kept in ticket_of(searched, 2).mask.values()}
    moments = [each['momentum_buffer'] for each in state['optimizer']['state'].values()]
    checked = [not m[~shapes[tuple(m.shape)]].any() for m in moments if tuple(m.shape) in shapes]
    assert checked == [True] * 6


def test_both_are_rewound(tmp_path):
    spy = {'type': 'StartSpy'}
    search_by(gaussian_config(tmp_path, [spy], lottery=BY_NOISE))
    theta = load_rewind_weights(tmp_path / 'rewind.safetensors')
    mask = ticket_of(tmp_path, 2).mask
    for name, kept in mask.items():
        for key in (name, f'{name}_mmlth_log_sigma'):
            assert bits(starts[-1][key]) == bits(theta[key].masked_fill(~kept, 0)), key
    # It is that of step k, no constant.
    assert theta['conv.weight_mmlth_log_sigma'].unique().numel() > 10


starts = []


@HOOKS.register_module(force=True)
class StartSpy(Hook):
    """Notes what a training starts from."""

    priority = 'LOWEST'

    def before_train(self, runner):
        starts.append({n: t.clone() for n, t in runner.model.state_dict().items()})


def test_the_ticket_loads_into_the_stock_model(searched):
    ticket = ticket_of(searched, 2)
    model = ToyModel()
    model.load_state_dict(ticket.state_dict())
    model.load_state_dict(load_ticket(searched / 'tickets/round_02.safetensors').state_dict())
    path = str(searched / 'tickets/round_02.safetensors')
    load_checkpoint(ToyModel(), path)  # which refuses what does not fit
    assert ticket_of(searched, 0).deviations()['fc.weight'].shape == (2, 8)
    config = gaussian_config(searched.parent / 'test', load_from=path)
    config.test_dataloader, config.test_cfg = config.val_dataloader, {}
    config.test_evaluator = config.val_evaluator
    metrics = Runner.from_cfg(config).test()
    assert metrics['toy/accuracy'] == record(searched)['rounds'][2]['metrics']['toy/accuracy']


def test_a_search_that_stops_between_rounds_ends_alike(searched, tmp_path):
    config = gaussian_config(tmp_path, lottery={**BY_NOISE, 'rounds_per_run': 1})
    for _ in range(3):
        config.resume = (tmp_path / 'search.json').exists()
        search_by(config)
    assert ticket_bytes(tmp_path) == ticket_bytes(searched)


@pytest.mark.parametrize('at', [(0, 10), (2, 14)])
def test_a_round_that_is_killed_is_resumed_to_the_bit(tmp_path, monkeypatch, at):
    spy = {'type': 'Killer'}
    whole = gaussian_config(tmp_path / 'whole', [spy], lottery=BY_NOISE)
    search_by(whole)
    config = gaussian_config(tmp_path / 'killed', [spy], lottery=BY_NOISE)
    with monkeypatch.context() as patch:
        patch.setattr(Killer, 'at', at)
        with pytest.raises(KeyboardInterrupt):
            search_by(config)
    config.resume = True
    search_by(config)
    assert ticket_bytes(tmp_path / 'killed') == ticket_bytes(tmp_path / 'whole')


@HOOKS.register_module(force=True)
class Killer(Hook):
    """Ends the process in the middle of an epoch, once."""

    at = None

    def after_train_iter(self, runner, *args, **kwargs):
        if (int(runner.work_dir[-1]), runner.iter) == self.at:
            raise KeyboardInterrupt


def test_averages_are_of_both(tmp_path):
    hooks = [{'type': 'EMAHook', 'momentum': 0.2}]
    search_by(gaussian_config(tmp_path, hooks, lottery=BY_NOISE))
    ticket = ticket_of(tmp_path, 2)
    saved = load_checkpoint_safely(tmp_path / 'round_02/epoch_3.pth')
    for name, kept in ticket.mask.items():
        key = f'{name}_mmlth_log_sigma'
        trained = saved['ema_state_dict'][f'module.{key}']  # which the hook keeps aside
        assert not torch.equal(trained, ticket.weights[key])
        assert bits(saved['state_dict'][key]) == bits(ticket.weights[key])
        assert not ticket.weights[key][~kept].any()


@pytest.mark.parametrize('what', ['learning_rate', 'nothing'])
def test_weights_that_are_trained_on_keep_their_deviations(tmp_path, what):
    config = gaussian_config(
        tmp_path, [{'type': 'StartSpy'}], lottery={**BY_NOISE, 'rewind_what': what}
    )
    search_by(config)
    before = ticket_of(tmp_path, 1).weights
    mask = ticket_of(tmp_path, 2).mask
    for name, kept in mask.items():
        key = f'{name}_mmlth_log_sigma'
        assert bits(starts[-1][key]) == bits(before[key].masked_fill(~kept, 0))


def test_a_ticket_of_numbers_gives_a_bayesian_run_its_mask(tmp_path):
    """Kuhn et al. transplant a deterministic ticket's mask and train its mean, once."""
    config = toy_config(tmp_path / 'numbers')
    config.lottery = {'target_sparsity': 0.75, 'rounds': 1, 'rewind': '1ep'}
    search_by(config)
    path = tmp_path / 'transferred.safetensors'
    given = tmp_path / 'numbers/tickets/round_01.safetensors'
    target = gaussian_config(tmp_path / 'unused', lottery={})
    done = mmlth.transfer(given, target, heads=True, any_input=True)
    save_ticket(done.ticket, path)
    config = gaussian_config(tmp_path / 'run', lottery={'ticket': str(path)})
    Runner.from_cfg(config).train()
    ticket = load_ticket(tmp_path / 'run/epoch_3.safetensors')
    assert ticket.mask == load_ticket(given).mask
    for name, kept in ticket.mask.items():
        assert not ticket.state_dict()[name][~kept].any()
        assert not ticket.weights[f'{name}_mmlth_log_sigma'][~kept].any()


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


@pytest.mark.parametrize('method', ['rigl', 'set', 'ac_dc'])
def test_methods_that_let_weights_grow_again(tmp_path, method):
    lottery = {'target_sparsity': 0.75, 'method': method}
    with pytest.raises(LotteryError, match=f"'{method}' lets grow again has lost its deviation"):
        search_by(gaussian_config(tmp_path, lottery=lottery))


def test_gradual_pruning(tmp_path):
    search_by(gaussian_config(tmp_path, lottery={'target_sparsity': 0.75, 'method': 'gradual'}))
    ticket = tickets_of(tmp_path)[-1]
    assert ticket.mask.kept == 76
    for name, kept in ticket.mask.items():
        assert not ticket.weights[f'{name}_mmlth_log_sigma'][~kept].any()


def test_the_score_without_gaussian_weights(tmp_path):
    config = toy_config(tmp_path)
    config.lottery.score = 'signal_to_noise'
    with pytest.raises(LotteryError, match='of the 3 prunable ones 3 are numbers'):
        search_by(config)
    config = gaussian_config(tmp_path, lottery=BY_NOISE)
    config.custom_hooks[0].targets = {'exclude': ['fc']}
    with pytest.raises(LotteryError, match=r'of the 3 prunable ones 1 are numbers \(fc.weight\)'):
        search_by(config)
    assert not (tmp_path / 'search.json').exists()


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
