"""Searches with Gaussian weights: masks, rewinding, tickets, controls."""

import itertools

import pytest
import torch
from gaussian import BY_NOISE, NAMES, gaussian_config, starts
from kit import bits, masks_of, record, search_by, ticket_bytes, ticket_of, tickets_of
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner, load_checkpoint
from toy import ToyModel, toy_config

import mmlth
from mmlth import LotteryError, load_ticket, save_ticket
from mmlth.engine.checkpoints import load_checkpoint_safely
from mmlth.ticket import load_rewind_weights


@pytest.fixture(scope='module')
def searched(tmp_path_factory):
    """A search with Gaussian weights, by their signal-to-noise ratio."""
    folder = tmp_path_factory.mktemp('bayes')
    search_by(gaussian_config(folder, lottery=BY_NOISE))
    return folder


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


def test_gradual_pruning(tmp_path):
    search_by(gaussian_config(tmp_path, lottery={'target_sparsity': 0.75, 'method': 'gradual'}))
    ticket = tickets_of(tmp_path)[-1]
    assert ticket.mask.kept == 76
    for name, kept in ticket.mask.items():
        assert not ticket.weights[f'{name}_mmlth_log_sigma'][~kept].any()


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


@pytest.mark.parametrize('method', ['rigl', 'set', 'ac_dc'])
def test_methods_that_let_weights_grow_again(tmp_path, method):
    lottery = {'target_sparsity': 0.75, 'method': method}
    with pytest.raises(LotteryError, match=f"'{method}' lets grow again has lost its deviation"):
        search_by(gaussian_config(tmp_path, lottery=lottery))


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
