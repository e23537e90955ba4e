"""Pruning while training, in real Runners."""

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from toy import toy_config

import mmlth
from mmlth import LotteryError, load_ticket
from mmlth.engine.hooks import PruningHook
from mmlth.pruning import attached_mask
from mmlth.pruning.methods import Length

TOTAL = 8 * 27 + 8 * 9 + 2 * 8
"""The prunable weights of the toy, which trains for 18 iterations."""
KEEP = TOTAL - round(0.9 * TOTAL)
METHODS = {
    'gradual': {'type': 'gradual', 'begin': 2, 'end': 11, 'every': 3},
    'rigl': {'type': 'rigl', 'every': 2, 'end': 16},
    'set': {'type': 'set', 'every': 2, 'end': 16},
    'ac_dc': {'type': 'ac_dc', 'begin': 4, 'phase': 3, 'end': 15},
}
UPDATES = {
    'gradual': [0, 2, 5, 8, 11],
    'rigl': [0, 2, 4, 6, 8, 10, 12, 14],
    'set': [0, 2, 4, 6, 8, 10, 12, 14],
    'ac_dc': [0, 4, 7, 15],
}
EMA = {'type': 'EMAHook', 'momentum': 0.3}


@HOOKS.register_module(force=True)
class WatchMasks(Hook):
    """Notes the mask after each iteration, and that pruned means zero everywhere."""

    priority = 'LOWEST'

    def __init__(self):
        self.masks = {}

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.masks.setdefault(runner.iter, attached_mask(runner.model))

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self._look(runner, runner.iter + 1)

    def _look(self, runner, done):
        mask = self.masks[done] = attached_mask(runner.model)
        averages = [hook.ema_model.module for hook in runner.hooks if hasattr(hook, 'ema_model')]
        for name, kept in mask.items():
            parameter = runner.model.get_parameter(name)
            values = [parameter, *runner.optim_wrapper.optimizer.state.get(parameter, {}).values()]
            values += [average.get_parameter(name) for average in averages]
            for value in values:
                if isinstance(value, torch.Tensor) and value.shape == kept.shape:
                    assert not value[~kept].any(), (done, name)


def training(work_dir, method, hooks=(), hook=None, **changes):
    config = toy_config(work_dir, **changes)
    config.pop('lottery')
    pruning = {'type': 'mmlth.PruningHook', 'method': METHODS[method], 'sparsity': 0.9}
    config.custom_hooks = [{**pruning, **(hook or {})}, {'type': 'WatchMasks'}, *hooks]
    return Runner.from_cfg(config)


def train(*args, **kwargs):
    runner = training(*args, **kwargs)
    runner.train()
    return runner


def resumed_from(path):
    return {'resume': True, 'load_from': f'mmlth-resume:{path}'}


def masks_of(runner):
    return next(hook.masks for hook in runner.hooks if isinstance(hook, WatchMasks))


@pytest.fixture(scope='module', params=METHODS)
def method(request):
    return request.param


@pytest.fixture(scope='module')
def whole(method, tmp_path_factory):
    """A training with averages, tickets, and all that resuming needs."""
    hooks = [EMA, {'type': 'mmlth.TicketSaver'}, {'type': 'mmlth.ResumeHook'}]
    return train(tmp_path_factory.mktemp(method), method, hooks)


def test_the_mask_changes_when_it_is_time_and_ends_with_the_number_asked_for(method, whole):
    masks = masks_of(whole)
    changes = [done for done in range(1, 19) if masks[done] != masks[done - 1]]
    if method in ('gradual', 'ac_dc'):
        assert changes == [done for done in UPDATES[method] if done > 2]  # dense before
    else:  # of so few weights, late updates move none
        assert len(changes) >= 4
        assert set(changes) <= set(UPDATES[method])
    assert masks[18].kept == KEEP
    assert masks[0].kept == (KEEP if method in ('rigl', 'set') else TOTAL)


def test_nested_methods_let_nothing_come_back(method, whole):
    masks = masks_of(whole)
    grown = sum(int((masks[t][n] & ~masks[t - 1][n]).sum()) for t in range(1, 19) for n in masks[0])
    assert (grown == 0) == (method == 'gradual')


def test_the_last_ticket_is_what_was_trained(whole):
    ticket = load_ticket(whole.work_dir + '/epoch_3.safetensors')
    assert ticket.mask == masks_of(whole)[18]
    saved = torch.load(whole.work_dir + '/epoch_3.pth', weights_only=False)['state_dict']
    assert all(torch.equal(weight, saved[name]) for name, weight in ticket.weights.items())


@pytest.mark.parametrize('epoch', [1, 2])
def test_resumed_it_ends_the_same(tmp_path, method, whole, epoch):
    hooks = [EMA, {'type': 'mmlth.TicketSaver'}, {'type': 'mmlth.ResumeHook'}]
    changes = resumed_from(f'{whole.work_dir}/epoch_{epoch}.pth')
    resumed = train(tmp_path, method, hooks, **changes)
    assert resumed.iter == 18
    expected = whole.model.state_dict()
    assert all(torch.equal(t, expected[name]) for name, t in resumed.model.state_dict().items())
    masks = masks_of(resumed)
    assert masks == {done: masks_of(whole)[done] for done in masks}
    assert load_ticket(tmp_path / 'epoch_3.safetensors').mask == masks[18]


def test_gradual_pruning_keeps_the_largest_by_the_cubic_schedule(tmp_path):
    masks = masks_of(train(tmp_path, 'gradual'))
    # s = 0.9 · (1 − (1 − (t − 2)/9)³) of 304 weights
    expected = {0: 304, 2: 304, 5: 111, 8: 40, 11: KEEP}
    assert {done: masks[done].kept for done in expected} == expected


def test_rigl_grows_where_the_dense_gradient_is_largest(tmp_path, monkeypatch):
    """What the hook sees is the gradient of the same loss without a mask on the gradients."""
    seen = []
    original = PruningHook._mean_gradients

    def noted(self, runner):
        gradients = original(self, runner)
        seen.append((self.mask, gradients))
        return gradients

    monkeypatch.setattr(PruningHook, '_mean_gradients', noted)
    masks = masks_of(train(tmp_path, 'rigl', **{'model.dropout': 0.0}))
    for (before, gradients), done in zip(seen, UPDATES['rigl'][1:], strict=True):
        for name, kept in before.items():
            grown = masks[done][name] & ~kept
            never = ~masks[done][name] & ~kept
            assert gradients[name][~kept].any() or not (~kept).any()
            if grown.any() and never.any():
                sizes = gradients[name].abs()
                assert sizes[grown].min() >= sizes[never].max()


def test_gradients_that_overflow_leave_the_mask(tmp_path, monkeypatch, caplog):
    original = PruningHook._mean_gradients

    def overflowing(self, runner):
        gradients = original(self, runner)
        if runner.iter == 3:
            gradients['fc.weight'][0, 0] = torch.inf
        return gradients

    monkeypatch.setattr(PruningHook, '_mean_gradients', overflowing)
    masks = masks_of(train(tmp_path, 'rigl'))
    assert masks[4] == masks[3]
    assert masks[6] != masks[5]


def test_it_begins_in_the_middle_of_a_training_that_was_dense(tmp_path):
    config = toy_config(tmp_path / 'dense')
    config.pop('lottery')
    Runner.from_cfg(config).train()
    changes = resumed_from(tmp_path / 'dense/epoch_1.pth')
    hook = {'method': {**METHODS['ac_dc'], 'end': 10}}  # of the twelve iterations that are left
    masks = masks_of(train(tmp_path / 'on', 'ac_dc', hook=hook, **changes))
    counts = [masks[done].kept for done in (6, 9, 10, 12, 13, 15, 16, 18)]
    assert counts == [TOTAL, TOTAL, KEEP, KEEP, TOTAL, TOTAL, KEEP, KEEP]


def test_a_loop_without_epochs(tmp_path):
    assert masks_of(train(tmp_path, 'gradual', iterations=True))[18].kept == KEEP
    method = {**METHODS['gradual'], 'end': '2ep'}
    with pytest.raises(LotteryError, match="'gradual': end='2ep' counts epochs"):
        train(tmp_path / 'other', 'gradual', hook={'method': method}, iterations=True)


def test_targets_and_the_way_to_prune_are_those_of_lottery(tmp_path):
    hook = {'targets': {'exclude': 'fc'}, 'allocation': 'uniform'}
    mask = attached_mask(train(tmp_path, 'gradual', hook=hook).model)
    assert {name: int(kept.sum()) for name, kept in mask.items()} == {
        'conv.weight': 22,  # a tenth of 288 weights are 29
        'depthwise.weight': 7,
    }


def test_a_training_that_ends_early_says_so(tmp_path, monkeypatch):
    warnings = []
    runner = training(tmp_path, 'gradual', hook={'method': {'type': 'gradual', 'end': 1.0}})
    monkeypatch.setattr(runner.logger, 'warning', warnings.append)
    runner.train_loop._max_epochs = 2
    runner.train()
    assert any('before the last update of the mask' in line for line in warnings)


def test_a_checkpoint_with_other_targets_is_refused(tmp_path):
    train(tmp_path / 'first', 'gradual')
    changes = resumed_from(tmp_path / 'first/epoch_1.pth')
    with pytest.raises(LotteryError, match='holds the mask of 3 weights, but PruningHook prunes 2'):
        train(tmp_path / 'on', 'gradual', hook={'targets': {'exclude': 'fc'}}, **changes)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'sparsity': 1}, r'PruningHook\.sparsity must lie between 0 and 1, got 1'),
        (
            {'method': 'rigel'},
            "must be one of ac_dc, gradual, rigl, set, got 'rigel'",
        ),
        ({'method': {'type': 'rigl', 'shares': 1}}, "'rigl' has no option 'shares'; it has share"),
        ({'method': {'type': 'rigl', 'share': 2}}, r"'rigl': share must lie in \(0, 1\]"),
        ({'method': 'set', 'score': 'random'}, "'set' does not prune by score, so that score"),
        ({'score': 'snip'}, "score='snip' needs more than the weights"),
        ({'rewind': '1ep'}, "PruningHook has no option 'rewind'; it has method, sparsity"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(LotteryError, match=message):
        PruningHook(**options)


def test_a_function_is_no_method():
    with pytest.raises(LotteryError, match='is no method: it needs updates'):
        PruningHook(method=mmlth.prune)


def test_defaults_fit_any_training():
    for name in METHODS:
        method = PruningHook(name).method
        for iterations in (1, 2, 18, 100_000):
            assert 0 in method.updates(Length(iterations, 1))


def test_a_mask_that_changes_while_gradients_accumulate(tmp_path):
    """What had gathered for weights that go is no part of the next step."""
    changes = {'optim_wrapper.accumulative_counts': 4}
    for method in ('gradual', 'rigl'):
        runner = training(tmp_path / method, method, **changes)
        warnings = []
        runner.logger.warning = warnings.append
        runner.train()  # WatchMasks looks at weights and moments after every iteration
        assert not [line for line in warnings if 'the optimizer moved pruned weights' in line]
        assert masks_of(runner)[18].kept == KEEP


def test_a_checkpoint_of_another_number_or_method_is_refused(tmp_path):
    train(tmp_path / 'first', 'rigl')
    changes = resumed_from(tmp_path / 'first/epoch_1.pth')
    with pytest.raises(LotteryError, match="is of the method 'rigl' that keeps 30, but 'rigl' is"):
        train(tmp_path / 'more', 'rigl', hook={'sparsity': 0.5}, **changes)
    with pytest.raises(LotteryError, match="is of the method 'rigl' that keeps 30, but 'set' is"):
        train(tmp_path / 'other', 'set', **changes)


def test_a_layer_without_gradients_keeps_its_mask(tmp_path):
    hook = {'targets': {'frozen': True}}
    runner = training(tmp_path, 'rigl', hook=hook)
    runner.model.conv.requires_grad_(False)
    runner.train()
    masks = masks_of(runner)
    assert all(torch.equal(masks[t]['conv.weight'], masks[0]['conv.weight']) for t in range(19))
    assert masks[4] != masks[0]


def test_in_a_search_it_is_refused(tmp_path):
    config = toy_config(tmp_path)
    config.custom_hooks = [{'type': 'mmlth.PruningHook', 'method': 'rigl', 'sparsity': 0.9}]
    with pytest.raises(LotteryError, match='and so would the PruningHook in custom_hooks; leave'):
        Runner.from_cfg(config).train()
