"""SET and RigL: what drops, what grows, and how many."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmlth.pruning import Mask, PruningError
from mmlth.pruning.methods import SET, Length, Moment, RigL
from mmlth.pruning.methods.regrowth import moved

LENGTH = Length(100)


def moment(done, weights, mask, keep=4, gradients=None, seed=0):
    total = sum(weight.numel() for weight in weights.values())
    return Moment(done, LENGTH, weights, mask, keep, total, not_used, seed, gradients)


def not_used(*_):
    raise AssertionError('the mask is not drawn by score')


def test_one_update_by_hand():
    weights = {'a': torch.tensor([5.0, -1.0, 2.0, 0.0, 0.0, 0.0])}
    mask = Mask({'a': torch.tensor([1, 1, 1, 0, 0, 0]).bool()})
    gradients = {'a': torch.tensor([9.0, 0.0, 9.0, -7.0, 1.0, 2.0])}
    # 2/3 of three weights are two: −1 and 2 go; of what is then lacking 2 and −7 are steepest.
    after = moved(weights['a'], mask['a'], gradients['a'].abs(), 2 / 3)
    assert after.tolist() == [True, False, True, True, False, False]


@pytest.mark.parametrize(('done', 'moves'), [(1, 49), (25, 42), (50, 25), (75, 7), (99, 0)])
def test_the_share_that_moves_falls_by_a_cosine(done, moves):
    # 100 · 0.5 / 2 · (1 + cos(π · t / 100)): 49.99, 42.7, 25, 7.3, 0.01
    weights = {'a': torch.cat([torch.ones(100), torch.zeros(200)])}
    mask = Mask({'a': torch.arange(300) < 100})
    method = RigL(share=0.5, every=1, end=1.0)
    gradients = {'a': torch.cat([torch.zeros(100), torch.ones(200)])}
    after = method.update(moment(done, weights, mask, gradients=gradients))
    assert int((after['a'] & ~mask['a']).sum()) == moves


@settings(deadline=None)
@given(
    size=st.integers(1, 30),
    density=st.floats(0, 1),
    share=st.floats(0, 1),
    seed=st.integers(0, 50),
)
def test_a_layer_keeps_its_number_and_its_largest_weights(size, density, share, seed):
    generator = torch.Generator().manual_seed(seed)
    kept = torch.rand(size, generator=generator) < density
    weight = torch.randn(size, generator=generator) * kept
    growth = torch.rand(size, generator=generator)
    after = moved(weight, kept, growth, share)
    count = int(share * int(kept.sum()))
    assert after.sum() == kept.sum()
    stay = weight.abs().masked_fill(~kept, -1).argsort(descending=True)[: int(kept.sum()) - count]
    assert after[stay].all()
    # What grew has larger numbers than what could have grown and did not.
    candidates = torch.ones(size, dtype=torch.bool)
    candidates[stay] = False
    grown = after & candidates
    if grown.any() and (candidates & ~after).any():
        assert growth[grown].min() >= growth[candidates & ~after].max()


@pytest.mark.parametrize('method', [SET(), RigL()])
def test_the_first_mask_is_random_of_the_densities_of_erk(method):
    # Evci et al.: numbers of weights are in proportion to n_in + n_out + k_h + k_w: 13, 134, 74.
    # Layers that would have more than all end dense, and the others share the rest.
    weights = {
        'small': torch.zeros(4, 3, 3, 3),
        'large': torch.zeros(64, 64, 3, 3),
        'linear': torch.zeros(10, 64),
    }
    for keep, counts in ((663, [39, 402, 222]), (4000, [108, 3252, 640])):
        mask = method.update(moment(0, weights, Mask.dense(weights), keep))
        assert [int(kept.sum()) for kept in mask.values()] == counts
    assert method.update(moment(0, weights, Mask.dense(weights), keep)) == mask
    assert method.update(moment(0, weights, Mask.dense(weights), keep, seed=1)) != mask


def test_uniform_densities():
    weights = {'a': torch.zeros(10), 'b': torch.zeros(1000)}
    mask = SET(densities='uniform').update(moment(0, weights, Mask.dense(weights), keep=101))
    assert {name: int(kept.sum()) for name, kept in mask.items()} == {'a': 1, 'b': 100}


def test_set_grows_at_random_the_same_whenever_it_is_asked():
    weights = {'a': torch.arange(100.0)}
    mask = Mask({'a': torch.arange(100) >= 50})
    method = SET(share=0.5)
    first, again = (method.update(moment(10, weights, mask)) for _ in range(2))
    later = method.update(moment(11, weights, mask))
    assert first == again
    assert first != later
    torch.manual_seed(5)  # no generator but its own
    assert method.update(moment(10, weights, mask)) == first


def test_updates_end_in_time():
    assert sorted(SET(every=10, end=40).updates(LENGTH)) == [0, 10, 20, 30]
    assert SET(end=0).updates(LENGTH) == {0}
    with pytest.raises(PruningError, match='end comes too late: of 100 iterations, end=200'):
        RigL(end=200).updates(LENGTH)


@pytest.mark.parametrize(
    ('options', 'error'),
    [
        ({'share': 0.0}, r'share must lie in \(0, 1\], got 0.0'),
        ({'densities': 'global'}, "densities must be one of erk, uniform, got 'global'"),
    ],
)
def test_options_out_of_range(options, error):
    with pytest.raises(PruningError, match=error):
        RigL(**options)


def test_a_diverged_layer_is_an_error():
    weights = {'a': torch.tensor([1.0, torch.nan, 0.0, 0.0])}
    mask = Mask({'a': torch.tensor([True, True, False, False])})
    with pytest.raises(PruningError, match='a weight or gradient is NaN'):
        SET(share=1.0).update(moment(1, weights, mask))
