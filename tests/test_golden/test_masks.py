"""Allocations, levels, distances and penalties beside those of other implementations."""

import math

import pytest
import torch
from golden_files import tensors, values

from mmlth.pruning import Mask, prune
from mmlth.pruning.allocation import erk, global_allocation, lamp, uniform
from mmlth.pruning.distance import hamming
from mmlth.pruning.rst import add_penalty, penalty

ALLOCATIONS = {'lamp': lamp, 'erk': erk, 'uniform': uniform, 'global': global_allocation}


@pytest.mark.parametrize('sparsity', ['0.5', '0.8', '0.95'])
@pytest.mark.parametrize('name', ALLOCATIONS)
def test_allocations(name, sparsity):
    weights = tensors('allocation', 'weights.')
    expected = tensors('allocation', f'{name}.mask_{sparsity}.')
    keep = sum(int(kept.sum()) for kept in expected.values())
    mask = prune(weights, keep=keep, allocation=ALLOCATIONS[name])
    assert all(torch.equal(mask[weight], kept.bool()) for weight, kept in expected.items())


@pytest.mark.parametrize('sparsity', ['0.8', '0.9', '0.95'])
@pytest.mark.parametrize('network', ['resnet18', 'resnet50'])
def test_erk_densities(network, sparsity):
    """rigl's, which are real numbers: within the rounding of a layer to whole weights, and of ε."""
    stored = values('erk')[network]
    expected = stored['sparsities'][sparsity]['density_rigl']
    weights = {name: torch.empty(shape) for name, shape in stored['shapes'].items()}
    scores = {name: torch.rand(weight.shape) for name, weight in weights.items()}
    mask = prune(weights, sparsity=float(sparsity), score=lambda _: scores, allocation=erk)
    for name, density in expected.items():
        kept = int(mask[name].count_nonzero())
        assert kept == pytest.approx(density * mask[name].numel(), abs=2.2), name
        assert (kept == mask[name].numel()) == (density == 1), name


@pytest.mark.parametrize('share', ['0.2', '0.37'])
def test_levels_of_open_lth(share):
    stored = tensors('open_lth')
    masks, counts = f'mask_{share}.level_', stored[f'kept_{share}'].tolist()
    mask = Mask.dense(tensors('open_lth', 'trained.level_1.'))
    assert mask.total == counts[0]
    for level in range(1, 6):
        mask = prune(tensors('open_lth', f'trained.level_{level}.'), mask, keep=counts[level])
        expected = tensors('open_lth', f'{masks}{level}.')
        assert mask.keys() == expected.keys()
        assert all(torch.equal(mask[name], kept.bool()) for name, kept in expected.items()), level


@pytest.mark.parametrize('run', range(4))
def test_distances_and_stops_of_early_bird(run):
    stored = tensors('early_bird', f'run_{run}.')
    masks = stored['masks'].bool()
    for epoch, (distances, stop) in enumerate(zip(stored['distances'], stored['stop'])):
        if math.isnan(float(distances[0])):
            assert not stop
            continue
        computed = [
            hamming({'w': masks[epoch]}, {'w': masks[before]}) for before in range(epoch - 4, epoch)
        ]
        assert computed == pytest.approx(distances.tolist(), abs=1e-15)
        assert (max(computed) <= 0.1) == bool(stop)


def test_the_penalty_of_dual_lth():
    """Their λ is raised before the first iteration: it is ours five iterations later."""
    stored = tensors('rst')
    schedule = [penalty(t + 5, step=0.01) for t in range(620)]
    assert schedule == pytest.approx(stored['lambda'].tolist(), abs=1e-12)
    weights = {n: torch.nn.Parameter(w) for n, w in tensors('rst', 'start.').items()}
    optimizer = torch.optim.SGD(weights.values(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    for iteration in range(15):
        step = f'{iteration:02d}.'
        gradients = tensors('rst', f'gradient.{step}')
        regularised = tensors('rst', f'regularised.{step}')
        after = tensors('rst', f'weights_after.{step}')
        for name, weight in weights.items():
            weight.grad = gradients[name].clone()
            add_penalty(weight, stored[f'P.{name}'].bool(), float(stored['lambda'][iteration]))
            assert torch.equal(weight.grad, regularised[name])
        optimizer.step()
        assert all(torch.equal(weight.detach(), after[name]) for name, weight in weights.items())
