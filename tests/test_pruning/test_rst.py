"""RST's pieces by hand."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmlth.pruning.rst import add_penalty, growth, penalty, random_subset


def test_counts_are_exact_by_layer():
    weights = {
        'a': torch.zeros(4, 5),
        'b': torch.zeros(3),
        'c': torch.zeros(1),
        'd': torch.zeros(0),
    }
    mask = random_subset(weights, 0.8)
    # 16 of 20; 2 of 3 (2.4 is nearest to 2); of a single weight none, for it is the whole layer.
    assert {name: int((~kept).sum()) for name, kept in mask.items()} == dict(a=16, b=2, c=0, d=0)
    assert mask['a'].shape == (4, 5)


@given(st.integers(1, 40), st.floats(0.001, 0.999))
def test_never_a_whole_layer(n, sparsity):
    kept = random_subset({'w': torch.zeros(n)}, sparsity)['w']
    assert kept.any()
    assert int((~kept).sum()) == min(round(n * sparsity), n - 1)


def test_the_seed_alone_decides():
    weights = {'w': torch.zeros(100)}
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = random_subset(weights, 0.5)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    assert random_subset(weights, 0.5) == first
    assert random_subset(weights, 0.5, seed=1) != first


def test_layers_get_different_subsets():
    mask = random_subset({'a': torch.zeros(100), 'b': torch.zeros(100)}, 0.5)
    assert not torch.equal(mask['a'], mask['b'])


@pytest.mark.parametrize('sparsity', [0, 1, -0.1])
def test_sparsity_out_of_range(sparsity):
    with pytest.raises(ValueError, match='must lie between 0 and 1'):
        random_subset({'w': torch.zeros(4)}, sparsity)


def test_the_papers_numbers():
    assert [penalty(t) for t in (0, 4, 5, 9, 10)] == pytest.approx([0, 0, 1e-4, 1e-4, 2e-4])
    assert growth() == 50_000
    assert penalty(49_999) == pytest.approx(0.9999)
    assert (penalty(50_000), penalty(10**9)) == (1, 1)


def test_a_limit_that_steps_do_not_hit():
    assert growth(step=0.4, every=3, limit=1) == 9
    assert [penalty(t, 0.4, 3, 1) for t in (8, 9, 12)] == pytest.approx([0.8, 1, 1])


def test_a_step_of_sgd_by_hand():
    weight = torch.nn.Parameter(torch.tensor([2.0, -4.0, 8.0]))
    weight.grad = torch.tensor([1.0, 1.0, 1.0])
    add_penalty(weight, torch.tensor([True, True, False]), 0.5)
    assert weight.grad.tolist() == [1 + 0.5 * 2, 1 - 0.5 * 4, 1]
    torch.optim.SGD([weight], lr=0.1).step()
    assert weight.tolist() == pytest.approx([1.8, -3.9, 7.9])


def test_a_parameter_without_a_gradient_stays_without():
    weight = torch.nn.Parameter(torch.ones(2))
    add_penalty(weight, torch.tensor([True, False]), 0.5)
    assert weight.grad is None
