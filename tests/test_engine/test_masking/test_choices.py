"""Searches by every score, allocation, pattern and schedule, and by some of one's own."""

import copy
import itertools
import math
import random
import sys

import numpy as np
import pytest
import torch
from kit import search_by, tickets_of
from mmengine.config import Config
from mmengine.registry import MODELS
from mmengine.runner import Runner
from toy import ToyModel, toy_config

from mmlth import LotteryError, Mask, load_ticket
from mmlth.engine import parse_settings
from mmlth.engine.api import targets, targets_table
from mmlth.engine.masking import (
    Pruner,
    choose_targets,
    compute_and_broadcast_mask,
    dry_run_pruning,
)
from mmlth.engine.models.scored_network import ConfigNetwork
from mmlth.engine.random_numbers import seed_all
from mmlth.pruning.scores import magnitude, needing
from mmlth.registry import ALLOCATIONS, PATTERNS, SCORES
from mmlth.ticket import load_rewind_weights


def search(work_dir, resume=False, model=None, **lottery):
    config = toy_config(work_dir, resume=resume, model=model or {})
    config.lottery = {'rewind': '1ep', **lottery}
    return search_by(config), tickets_of(work_dir)


def counts(mask):
    return [int(kept.sum()) for kept in mask.values()]


SCORES_TO_TRY = [
    'random',
    'magnitude_increase',
    'movement',
    'movement_from_zero',
    {'type': 'snip', 'batches': 8},  # more than an epoch has
    'grasp',
    {'type': 'synflow', 'iterations': 5},
    {'type': 'taylor', 'batches': 2, 'at': 'start'},
]


def test_no_score_is_left_out():
    tried = {score if isinstance(score, str) else score['type'] for score in SCORES_TO_TRY}
    # The last is of Gaussian weights, which test_gaussian_searches.py trains.
    tried |= {'magnitude', 'own', 'Squares', 'signal_to_noise'}
    assert tried >= set(SCORES.module_dict) - {'dice'}


@pytest.mark.parametrize('score', SCORES_TO_TRY, ids=str)
def test_scores(tmp_path, score):
    state, tickets = search(tmp_path, sparsities=[0.5, 0.75], score=score)
    assert [ticket.mask.kept for ticket in tickets] == [304, 152, 76]
    assert all(new.mask.issubset(old.mask) for old, new in itertools.pairwise(tickets))
    assert all(kept.any() for kept in tickets[-1].mask.values())
    assert state['config']['lottery']['score'] == score


def test_layers_that_a_score_says_nothing_of_are_named(tmp_path):
    @SCORES.register_module(name='half', force=True)
    def half(inputs):
        return {name: w.abs() * (name != 'fc.weight') for name, w in inputs.weights.items()}

    search(tmp_path, rounds=1, target_sparsity=0.5, score='half')
    SCORES.module_dict.pop('half')
    assert "'half' is 0 for every weight of fc.weight, so" in _log(tmp_path)


def _log(work_dir):
    return ''.join(path.read_text() for path in work_dir.glob('*/*.log'))


def test_movement_is_measured_from_the_rewind_step(tmp_path):
    _, (dense, ticket) = search(tmp_path, rounds=1, target_sparsity=0.5, score='movement', floor=0)
    start = load_rewind_weights(tmp_path / 'rewind.safetensors')
    moved = [(dense.weights[name] - start[name]).abs().view(-1) for name in ticket.mask]
    kept = torch.cat([kept.view(-1) for kept in ticket.mask.values()])
    assert torch.cat(moved)[kept].min() >= torch.cat(moved)[~kept].max()


@pytest.mark.parametrize(
    'score', ['snip', {'type': 'synflow', 'iterations': 3}], ids=['snip', 'synflow']
)
def test_evaluating_the_network_leaves_no_trace(tmp_path, score):
    """The round trains on exactly as by the same mask from elsewhere."""
    _, (_, ticket) = search(tmp_path / 'a', rounds=1, target_sparsity=0.5, score=score)

    @SCORES.register_module(name='known', force=True)
    def known(inputs):
        return {name: kept.float() for name, kept in ticket.mask.items()}

    _, (_, again) = search(tmp_path / 'b', rounds=1, target_sparsity=0.5, score='known')
    SCORES.module_dict.pop('known')
    assert again.mask == ticket.mask
    assert all(torch.equal(again.weights[name], w) for name, w in ticket.weights.items())


def test_drawing_leaves_all_random_numbers_alone(tmp_path):
    def numbers():
        return [random.random(), np.random.rand(), float(torch.rand(1))]  # noqa: S311

    def draw():
        return Mask({'w': torch.tensor(numbers()) > 2})

    seed_all(3)
    expected = numbers()
    seed_all(3)
    compute_and_broadcast_mask(tmp_path / 'mask.safetensors', 0, draw)
    assert numbers() == expected


@pytest.mark.parametrize(
    ('allocation', 'expected'),
    [
        ('uniform', [54, 18, 4]),
        # In proportion to 8+3+3+3 = 17, 15 and 2+8 = 10, of which the last has 16 only.
        ('erk', [32, 28, 16]),
        ('lamp', None),
        ({'conv': 0.8, 'depthwise': 0.5, 'fc': 0.75}, [43, 36, 4]),
    ],
)
def test_allocations(tmp_path, allocation, expected):
    budgets = isinstance(allocation, dict)
    target = {} if budgets else {'target_sparsity': 0.75}
    state, tickets = search(tmp_path, rounds=2, allocation=allocation, **target)
    kept = counts(tickets[-1].mask)
    assert expected is None or kept == expected
    assert sum(kept) == (83 if budgets else 76) == state['schedule'][-1]
    assert tickets[-1].mask.issubset(tickets[1].mask)


def test_budgets_say_the_target(tmp_path):
    budgets = {'conv': 0.8, 'depthwise': 0.5, 'fc': 0.75}
    # 304 − 83 of 304.
    assert search(tmp_path, rounds=1, allocation=budgets, target_sparsity=0.727)[0]['rounds']
    with pytest.raises(LotteryError, match=r'removes 0.7270 .* asks for 0.8; give that number'):
        search(tmp_path / 'b', rounds=1, allocation=budgets, target_sparsity=0.8)
    with pytest.raises(LotteryError, match="'nek' is for no prunable weight; there are some in"):
        search(tmp_path / 'c', rounds=1, allocation={'nek': 0.5})
    assert not (tmp_path / 'c/round_00').exists()


def test_budgets_go_on_to_higher_ones(tmp_path):
    lower = {'conv': 0.5, 'depthwise': 0.5}
    search(tmp_path, rounds=1, allocation=lower)
    with pytest.raises(LotteryError, match='further rounds need a higher budgets in'):
        search(tmp_path, resume=True, rounds=2, allocation=lower)
    for other in ({'conv': 0.8, 'depthwise': 0.4}, {'conv': 0.8, 'fc': 0.8}):
        with pytest.raises(LotteryError, match=r'lottery\.allocation\.depthwise: 0\.5 → '):
            search(tmp_path, resume=True, rounds=2, allocation=other)
    higher = {'conv': 0.8, 'depthwise': 0.5}
    state, tickets = search(tmp_path, resume=True, rounds=3, allocation=higher)
    assert [counts(ticket.mask) for ticket in tickets] == [
        [216, 72, 16],
        [108, 36, 16],
        [71, 36, 16],  # (160 · 95)^½ in all; of what has met its budget nothing goes
        [43, 36, 16],
    ]
    assert state['schedule'] == [304, 160, 123, 95]


def test_the_floor_keeps_layers_alive_unless_it_is_zero(tmp_path):
    @SCORES.register_module(name='first_last', force=True)
    def first_last(inputs):
        """Everything in the first layer is better than anything else."""
        return {name: w.abs() + 100 * (name == 'conv.weight') for name, w in inputs.weights.items()}

    common = {'rounds': 1, 'target_sparsity': 0.5, 'score': 'first_last'}
    _, tickets = search(tmp_path / 'a', **common)
    assert counts(tickets[-1].mask) == [150, 1, 1]
    _, tickets = search(tmp_path / 'b', floor=0.5, **{**common, 'target_sparsity': 0.4})
    assert counts(tickets[-1].mask) == [182 - 36 - 8, 36, 8]
    _, tickets = search(tmp_path / 'c', floor=0, **common)
    assert counts(tickets[-1].mask) == [152, 0, 0]
    SCORES.module_dict.pop('first_last')
    with pytest.raises(LotteryError, match='the floor leaves at least 152 weights of these 3'):
        search(tmp_path / 'd', rounds=1, target_sparsity=0.6, floor=0.5)
    assert not (tmp_path / 'd/round_00').exists()


class OnceModel(ToyModel):
    """A layer of it cannot be differentiated twice, and it has no mode 'tensor'."""

    def __init__(self):
        super().__init__()
        self.depthwise.register_forward_hook(lambda module, given, result: _Once.apply(result))

    def forward(self, inputs, data_samples=None, mode='tensor'):
        if mode == 'tensor':
            raise NotImplementedError('no tensors')
        return super().forward(inputs, data_samples, mode)


class _Once(torch.autograd.Function):
    @staticmethod
    def forward(ctx, value):
        return value.clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):
        return gradient


@pytest.mark.parametrize(
    ('lottery', 'message'),
    [
        ({'score': 'magnitude_increase', 'allocation': 'lamp'}, 'must not be negative'),
        ({'score': 'grasp'}, "'grasp' cannot rank .* give product='difference'"),
        ({'score': 'synflow'}, "'synflow' cannot rank .*NotImplementedError: no tensors"),
    ],
)
def test_scores_that_cannot_work_are_told_before_any_training(tmp_path, lottery, message):
    MODELS.register_module(name='OnceModel', module=OnceModel, force=True)
    with pytest.raises(LotteryError, match=message) as raised:
        search(tmp_path, target_sparsity=0.5, model={'type': 'OnceModel'}, **lottery)
    assert '\n' not in str(raised.value)
    assert not (tmp_path / 'round_00').exists()


def test_a_score_is_tried_once_and_leaves_no_trace(tmp_path, monkeypatch):
    losses, tried = ConfigNetwork.losses, []

    def counted(self, batches):
        tried.append(batches)
        return losses(self, batches)

    monkeypatch.setattr(ConfigNetwork, 'losses', counted)
    common = {'rounds': 1, 'target_sparsity': 0.5}
    _, (dense, _) = search(tmp_path / 'a', **common)
    assert tried == []
    _, (same, _) = search(tmp_path / 'b', score={'type': 'snip', 'batches': 2}, **common)
    assert tried == [2, 2]  # the second one draws
    assert all(torch.equal(same.weights[name], w) for name, w in dense.weights.items())
    search(tmp_path / 'b', score={'type': 'snip', 'batches': 2}, resume=True, **common)
    assert len(tried) == 2


def drawn():
    return random.random(), float(np.random.rand()), float(torch.rand(()))  # noqa: S311


@pytest.mark.parametrize('needs_network', [False, True])
def test_trying_a_score_draws_no_random_numbers(tmp_path, needs_network):
    @SCORES.register_module(name='drawing', force=True)
    @needing(*(['start', 'network'] if needs_network else []))
    def drawing_score(inputs):
        drawn()
        return (SCORES.get('snip')() if needs_network else magnitude)(inputs)

    runner = Runner.from_cfg(toy_config(tmp_path, **{'lottery.score': 'drawing'}))
    pruner = Pruner(parse_settings(runner.cfg.lottery), runner.model, seed=0)
    weights = copy.deepcopy(runner.model.state_dict())
    chosen = choose_targets(runner.model, pruner.settings)
    seed_all(5)
    expected = drawn()
    seed_all(5)
    dry_run_pruning(pruner, runner, chosen, 100)
    assert drawn() == expected
    for name, weight in runner.model.state_dict().items():
        assert torch.equal(weight, weights[name])


def test_losses_that_are_not_finite_before_training_say_nothing_yet(tmp_path, monkeypatch):
    losses, tried = ConfigNetwork.losses, []

    def first_infinite(self, batches):
        tried.append(batches)
        for loss in losses(self, batches):
            yield loss * torch.inf if len(tried) == 1 else loss

    monkeypatch.setattr(ConfigNetwork, 'losses', first_infinite)
    search(tmp_path, rounds=1, target_sparsity=0.5, score='snip')
    assert len(tried) == 2


def test_kernels_and_channels(tmp_path):
    for pattern, dims in (('kernel', 2), ('channel', 1)):
        state, tickets = search(tmp_path / pattern, rounds=2, target_sparsity=0.6, pattern=pattern)
        for ticket, entry, keep in zip(tickets, state['rounds'], state['schedule']):
            assert ticket.mask.kept == entry['kept'] <= keep
            assert keep - ticket.mask.kept < 27  # the largest unit
            for kept in ticket.mask.values():
                units = kept.reshape(math.prod(kept.shape[:dims]), -1)
                assert torch.equal(units.all(1), units.any(1))
        assert tickets[2].mask.issubset(tickets[1].mask)


def test_two_of_four_leaves_out_what_it_does_not_fit(tmp_path):
    config = toy_config(tmp_path)
    chosen, _ = targets(config, pattern='2:4')
    assert [target.name for target in chosen] == ['fc.weight']  # 3 and 1 input channels before
    note = '2 weights (288 in all: conv.weight, depthwise.weight) stay dense, since lottery.pattern'
    assert note in targets_table(config, pattern='2:4')
    assert 'stay dense' not in targets_table(config)
    state, tickets = search(tmp_path, rounds=2, target_sparsity=0.75, pattern='2:4')
    assert [target['name'] for target in state['targets']] == ['fc.weight']
    assert [ticket.mask.kept for ticket in tickets] == [16, 8, 4]
    groups = tickets[1].mask['fc.weight'].unflatten(1, (2, 4))
    assert groups.sum(2).tolist() == [[2, 2], [2, 2]]
    with pytest.raises(LotteryError, match=r'fits none of the 3 weights'):
        search(tmp_path / 'b', target_sparsity=0.95, pattern='1:16')


def test_lists_of_sparsities(tmp_path):
    state, tickets = search(tmp_path, sparsities=[0.3, 0.75])
    assert [ticket.mask.kept for ticket in tickets] == [304, 304 - 91, 76]
    assert state['config']['lottery']['target_sparsity'] == 0.75
    before = (tmp_path / 'tickets/round_02.safetensors').read_bytes()
    with pytest.raises(LotteryError, match='begins with other rounds than the 2 that are done'):
        search(tmp_path, resume=True, sparsities=[0.4, 0.75, 0.8])
    state, tickets = search(tmp_path, resume=True, sparsities=[0.3, 0.75, 0.8])
    assert [ticket.mask.kept for ticket in tickets] == [304, 213, 76, 61]
    assert (tmp_path / 'tickets/round_02.safetensors').read_bytes() == before
    state, _ = search(tmp_path, resume=True, sparsities=[0.9])  # only what is new
    assert state['schedule'] == [304, 213, 76, 61, 30]


def test_further_rounds_by_another_kind_of_schedule(tmp_path):
    search(tmp_path, rounds=1, target_sparsity=0.5)
    state, _ = search(tmp_path, resume=True, sparsities=[0.6, 0.75])
    assert state['schedule'] == [304, 152, 122, 76]
    state, _ = search(tmp_path, resume=True, rounds=4, target_sparsity=0.9)
    assert state['schedule'] == [304, 152, 122, 76, 30]


def test_a_base_config_does_not_get_into_the_way_of_a_list():
    settings = parse_settings({'sparsities': [0.5, 0.9]})
    assert settings.target_sparsity == 0.9
    assert settings.kept_per_round({'w': 1000}) == [1000, 500, 100]
    assert (
        parse_settings({'sparsities': [0.5], 'target_sparsity': 0.5, 'rounds': None}).rate is None
    )


OWN = """
from mmlth.registry import ALLOCATIONS, PATTERNS, SCORES
from mmlth.pruning.allocation import global_allocation

@SCORES.register_module(name='own')
def own(inputs, power=1):
    return {name: weight.abs() ** power for name, weight in inputs.weights.items()}

@SCORES.register_module()
class Squares:
    iterations = 2

    def __init__(self, sign):
        self.sign = sign

    def __call__(self, inputs):
        return {name: self.sign * weight ** 2 for name, weight in inputs.weights.items()}

@ALLOCATIONS.register_module()
def from_the_end(mask, scores, keep, unused=0):
    names = list(mask)
    kept = type(mask)({name: mask[name] for name in reversed(names)})
    found = global_allocation(kept, scores, keep)
    return type(mask)({name: found[name] for name in names})

@PATTERNS.register_module()
def plain(mask, scores, keep, allocation, floor):
    return allocation(mask, scores, keep)
"""


def test_choices_of_ones_own_package(tmp_path, monkeypatch):
    (tmp_path / 'own_choices.py').write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    _, expected = search(tmp_path / 'a', rounds=1, target_sparsity=0.5)
    ours = {'allocation': {'type': 'from_the_end', 'unused': 3}, 'pattern': 'plain'}
    try:
        for score, same in (
            ({'type': 'own', 'power': 2}, True),
            ({'type': 'Squares', 'sign': 1}, True),
            ({'type': 'Squares', 'sign': -1}, False),
        ):
            config = toy_config(tmp_path / f'{len(list(tmp_path.iterdir()))}')
            config.custom_imports.imports.append('own_choices')
            config.lottery = {'rounds': 1, 'target_sparsity': 0.5, 'score': score, **ours}
            config.dump(tmp_path / 'config.py')
            Runner.from_cfg(Config.fromfile(tmp_path / 'config.py')).train()
            ticket = load_ticket(f'{config.work_dir}/tickets/round_01.safetensors')
            assert (ticket.mask == expected[1].mask) == same
        with pytest.raises(LotteryError, match="'Squares' needs the option 'sign'"):
            parse_settings({'score': 'Squares'})
        with pytest.raises(LotteryError, match="'own' has no option 'inputs'; it has power"):
            parse_settings({'score': {'type': 'own', 'inputs': 1}})
    finally:
        for registry, name in (
            (SCORES, 'own'),
            (SCORES, 'Squares'),
            (ALLOCATIONS, 'from_the_end'),
            (PATTERNS, 'plain'),
        ):
            registry.module_dict.pop(name, None)
        sys.modules.pop('own_choices', None)
