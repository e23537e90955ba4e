"""Law 1: masks nest, and the number kept is exact."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.config import Config
from repository import ROOT

from mmlth.pruning import Mask, kept_per_round, masked, prune

S2 = ROOT / 'configs/_base_/lth/s2_pretraining.py'

# Few distinct values, so that almost every threshold falls on a tie.
values = st.sampled_from([-2.0, -1.0, -0.0, 0.0, 1.0, 2.0])
layers = st.dictionaries(
    st.text('abc.', min_size=1, max_size=4),
    st.lists(values, min_size=1, max_size=12).map(torch.tensor),
    min_size=1,
    max_size=4,
)


@given(layers, st.data())
@settings(deadline=None)
def test_count_is_exact_and_masks_nest(weights, data):
    mask = Mask.dense(weights)
    for _ in range(3):
        keep = data.draw(st.integers(0, mask.kept))
        new = prune(weights, mask, keep=keep)
        assert new.kept == sum(int(tensor.sum()) for tensor in new.values()) == keep
        assert new.issubset(mask)
        mask = new


@given(layers, st.data())
@settings(deadline=None)
def test_the_largest_are_kept_and_ties_go_to_the_earlier(weights, data):
    keep = data.draw(st.integers(0, sum(w.numel() for w in weights.values())))
    flat = torch.cat(list(weights.values())).abs().tolist()
    # An independent reference: a stable sort of all positions.
    order = sorted(range(len(flat)), key=lambda i: (-flat[i], i))
    expected = torch.zeros(len(flat), dtype=torch.bool)
    expected[order[:keep]] = True
    assert torch.cat(list(prune(weights, keep=keep).values())).tolist() == expected.tolist()


def test_pruned_weights_do_not_compete():
    weights = {'w': torch.tensor([9.0, 1.0, 2.0, 3.0])}
    mask = Mask({'w': torch.tensor([False, True, True, True])})
    assert prune(weights, mask, keep=2)['w'].tolist() == [False, False, True, True]


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_any_floating_type(dtype):
    weights = {'w': torch.tensor([1.0, -4.0, 2.0, 3.0], dtype=dtype)}
    assert prune(weights, keep=2)['w'].tolist() == [False, True, False, True]


def test_layouts_do_not_matter():
    weight = torch.randn(4, 3, 3, 3)
    plain = prune({'w': weight}, sparsity=0.5)
    strided = prune({'w': weight.to(memory_format=torch.channels_last)}, sparsity=0.5)
    assert plain == strided


def test_survivors_that_are_zero_survive():
    weights = {'w': torch.tensor([0.0, 0.0, 0.0, 1.0])}
    mask = prune(weights, keep=2)
    assert mask['w'].tolist() == [True, False, False, True]


def test_masked_gives_positive_zeros_and_leaves_its_input():
    weight = torch.tensor([-1.0, float('nan'), float('inf')])
    result = masked({'w': weight}, {'w': torch.tensor([False, False, True])})['w']
    assert result.tolist() == [0.0, 0.0, float('inf')]
    assert not result.signbit().any()
    assert weight[0] == -1


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({}, 'give either keep or sparsity'),
        ({'keep': 1, 'sparsity': 0.5}, 'give either keep or sparsity'),
        ({'keep': 5}, 'cannot keep 5 weights of the 4'),
        ({'keep': 1, 'mask': Mask({'v': torch.ones(4, dtype=torch.bool)})}, "names 'v'"),
        ({'keep': 1, 'mask': Mask({'w': torch.ones(3, dtype=torch.bool)})}, 'has shape'),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        prune({'w': torch.arange(4.0)}, **arguments)


def test_diverged_weights_are_an_error():
    with pytest.raises(ValueError, match='NaN'):
        prune({'w': torch.tensor([1.0, float('nan'), 2.0])}, keep=1)


@given(
    st.integers(10, 10**9),
    st.floats(0.01, 0.99),
    st.one_of(
        st.builds(lambda n: {'rounds': n}, st.integers(1, 20)),
        st.builds(lambda r: {'rate': r}, st.floats(0.05, 0.95)),
    ),
)
def test_schedules_fall_to_the_target_exactly(total, target, how):
    schedule = kept_per_round(total, target, **how)
    assert schedule[0] == total
    assert schedule[-1] == total - round(total * target)
    assert all(before >= after for before, after in itertools.pairwise(schedule))


@given(st.integers(10, 10**9), st.floats(0.01, 0.99), st.floats(0.05, 0.95))
def test_the_last_round_of_a_rate_is_worth_a_training(total, target, rate):
    schedule = kept_per_round(total, target, rate=rate)
    *_, before, last = schedule
    assert last == total - round(total * target)
    rounds = len(schedule) - 1
    assert rounds == 1 or before - last >= 0.1 * rate * before
    # All others prune their share, and the last one hardly more than that.
    assert schedule[:-1] == [round(total * (1 - rate) ** r) for r in range(rounds)]
    assert before - last <= rate * before * (1 + 0.1 * (1 - rate)) + 1.5


@pytest.mark.parametrize(
    ('target', 'schedule'),
    [
        (0.5, [1000, 500]),
        (0.524, [1000, 476]),  # 24 of 500, where its share is 250
        (0.525, [1000, 500, 475]),
        (0.76, [1000, 500, 240]),
        (0.1, [1000, 900]),  # there is none before
    ],
)
def test_a_last_round_of_less_than_a_tenth_of_its_share_is_merged(target, schedule):
    assert kept_per_round(1000, target, rate=0.5) == schedule


def test_the_18_rounds_of_s2():
    total, target = 23_445_504, Config.fromfile(S2).lottery.target_sparsity
    schedule = kept_per_round(total, target, rate=0.2)
    assert len(schedule) == 1 + 18
    assert schedule[-1] == round(total * 0.8**18)
    assert kept_per_round(total, 0.982, rate=0.2)[:-1] == schedule[:-1]  # 338 more in the last one


def test_schedules_of_the_papers():
    # Chen et al.: 20 % of the remaining weights a round.
    sparsity = [1 - kept / 10**6 for kept in kept_per_round(10**6, 0.9, rate=0.2)]
    assert sparsity == pytest.approx(
        [0, 0.2, 0.36, 0.488, 0.5904, 0.6723, 0.7379, 0.7903, 0.8322, 0.8658, 0.8926, 0.9], abs=1e-4
    )
    assert kept_per_round(1000, 0.8, rounds=1) == [1000, 200]
    assert kept_per_round(1000, 0.75, rounds=2) == [1000, 500, 250]


@pytest.mark.parametrize(
    'arguments',
    [
        (0.0, 1, None),
        (1.0, 1, None),
        (0.5, 0, None),
        (0.5, 1, 0.2),
        (0.5, None, None),
        (0.5, None, 1),
    ],
)
def test_bad_schedules(arguments):
    with pytest.raises(ValueError, match=r'got'):
        kept_per_round(100, *arguments)
