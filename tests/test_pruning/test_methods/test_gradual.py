"""Gradual pruning: the paper's formula, and masks that nest."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmlth.pruning import Mask, PruningError, prune
from mmlth.pruning.methods import Gradual, Length, Moment


def run(method, iterations, keep=10, total=100, epoch=None):
    """The masks of a training whose weights change at random, by when they begin."""
    length = Length(iterations, epoch)
    generator = torch.Generator().manual_seed(0)
    mask, masks = Mask.dense({'a': torch.empty(total)}), {}
    for done in sorted(method.updates(length)):
        weights = {'a': torch.randn(total, generator=generator)}
        mask = method.update(Moment(done, length, weights, mask, keep, total, by_magnitude))
        masks[done] = mask
    return masks


def by_magnitude(weights, mask, keep):
    return prune(weights, mask, keep=keep)


def test_the_formula_by_hand():
    masks = run(Gradual(begin=0, end=4, every=1), 10, keep=36)
    # s = 0.64 · (1 − (1 − t/4)³): 0, 0.37, 0.56, 0.63, 0.64
    assert {done: mask.kept for done, mask in masks.items()} == {0: 100, 1: 63, 2: 44, 3: 37, 4: 36}


def test_what_was_pruned_to_begin_with():
    masks = run(Gradual(begin=2, end=4, every=1, initial=0.5), 10)
    # s = 0.9 − 0.4 · (1 − t/2)³
    assert {done: mask.kept for done, mask in masks.items()} == {0: 100, 2: 50, 3: 15, 4: 10}


def test_the_power_of_one_rises_evenly():
    masks = run(Gradual(begin=0, end=3, every=1, power=1.0), 3)
    assert [mask.kept for mask in masks.values()] == [100, 70, 40, 10]


@settings(deadline=None)
@given(
    begin=st.floats(0, 1),
    end=st.floats(0, 1),
    every=st.floats(0, 1),
    iterations=st.integers(1, 60),
    keep=st.integers(0, 100),
)
def test_masks_nest_and_the_last_has_the_number_asked_for(begin, end, every, iterations, keep):
    begin, end = sorted((begin, end))
    masks = list(run(Gradual(begin, end, every), iterations, keep).values())
    assert masks[-1].kept == keep
    assert all(not (after['a'] & ~before['a']).any() for before, after in pairwise(masks))


def test_steps_in_epochs_iterations_and_shares():
    length = Length(100, 10)
    same = [Gradual(20, 60, 20), Gradual('2ep', '6ep', '2ep'), Gradual(0.2, 0.6, 0.2)]
    assert [sorted(method.updates(length)) for method in same] == [[0, 20, 40, 60]] * 3
    assert sorted(Gradual('20it', '60it', '20it').updates(length)) == [0, 20, 40, 60]


@pytest.mark.parametrize(
    ('method', 'error'),
    [
        (Gradual(begin=50, end=20), 'begin comes too late: of 100 iterations, begin=50, end=20'),
        (Gradual(end=101), 'end comes too late: of 100 iterations, begin=0, end=101'),
        (Gradual(end='2ep'), "end='2ep' counts epochs, but this training counts iterations"),
        (Gradual(every=1.5), 'every must be a number of iterations .* got 1.5'),
        (Gradual(begin=True), 'begin must be a number of iterations .* got True'),
        (Gradual(begin=-1), 'begin must be a number of iterations .* got -1'),
        (Gradual(begin='soon'), "begin must be a number of iterations .* got 'soon'"),
    ],
)
def test_steps_that_are_none(method, error):
    with pytest.raises(PruningError, match=error):
        method.updates(Length(100))


@pytest.mark.parametrize(
    ('options', 'error'),
    [({'initial': 1.0}, 'initial must be a share'), ({'power': 0}, 'power must be a positive')],
)
def test_options_out_of_range(options, error):
    with pytest.raises(PruningError, match=error):
        Gradual(**options)
