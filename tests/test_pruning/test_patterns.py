"""Kernels, channels and N:M: what is kept by hand, and the laws."""

import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.sparse._semi_structured_conversions import (
    sparse_semi_structured_from_dense_cutlass,
    sparse_semi_structured_to_dense_cutlass,
)

from mmlth.pruning import FourByOne, Mask, NOfM, prune, transposed_weights
from mmlth.pruning.allocation import Budgets, erk, global_allocation, lamp, uniform
from mmlth.pruning.patterns import channel, inward, kernel, outward, unstructured

ALLOCATIONS = [global_allocation, uniform, erk, lamp]


def random_weights(*shapes, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return {f'w{i}': torch.randn(s, generator=generator) for i, s in enumerate(shapes)}


def test_kernels_go_whole_by_their_mean():
    # Kernels of two weights with the means 5, 1, 3, 2; a linear layer's are single weights.
    conv = torch.tensor([[[9.0, 1], [1, 1]], [[3, 3], [4, 0]]])
    linear = torch.tensor([[2.5, 0.5]])
    mask = prune({'conv': conv, 'linear': linear}, keep=5, pattern=kernel)
    assert mask['conv'].tolist() == [[[True, True], [False, False]], [[True, True], [False, False]]]
    assert mask['linear'].tolist() == [[True, False]]
    # The next best is the kernel of mean 2, which does not fit: a weight less is kept.
    assert prune({'conv': conv, 'linear': linear}, keep=6, pattern=kernel) == mask


def test_channels_go_whole():
    weights = {'w': torch.tensor([[9.0, 0, 0], [2, 2, 2], [4, 4, 4]])}
    mask = prune(weights, keep=7, pattern=channel)
    assert mask['w'].tolist() == [[True] * 3, [False] * 3, [True] * 3]


def test_what_layers_cannot_use_goes_to_the_nearest_unit():
    weights = {'a': torch.rand(4, 4), 'b': torch.rand(3, 6)}
    # Uniform gives them 17 · 16/34 = 8 and 9 weights: two channels and one, which leaves 3.
    mask = prune(weights, keep=17, pattern=channel, allocation=uniform)
    assert [int(kept.any(1).sum()) for kept in mask.values()] == [2, 1]
    # 20 gives 9 and 11 (of 9.41 and 10.59): 1 and 5 over, and b lacks less for a third one.
    mask = prune(weights, keep=20, pattern=channel, allocation=uniform)
    assert [int(kept.any(1).sum()) for kept in mask.values()] == [2, 2]


def test_the_floor_counts_whole_channels():
    weights = {'a': torch.full((4, 10), 9.0), 'b': torch.ones(4, 10)}
    assert not prune(weights, keep=30, pattern=channel)['b'].any()
    mask = prune(weights, keep=30, pattern=channel, floor=0.001)
    assert [int(kept.any(1).sum()) for kept in mask.values()] == [2, 1]


@pytest.mark.parametrize('groups', [1, 2])
def test_channels_of_transposed_convolutions(groups):
    layer = nn.ConvTranspose2d(4, 6, 3, groups=groups, bias=False)
    result = transposed_weights(layer, ['weight'])
    assert result == {'weight': groups}
    mask = prune(layer.state_dict(), sparsity=0.5, pattern=channel, transposed=result)
    with torch.no_grad():
        layer.weight.mul_(mask['weight'])
    dead = layer(torch.ones(1, 4, 5, 5)).abs().sum((0, 2, 3)) == 0
    assert int(dead.sum()) == 3  # channels of the output, not of the input


@pytest.mark.parametrize('groups', [1, 2])
def test_turned_round_it_is_the_weight_of_a_convolution(groups):
    layer = nn.ConvTranspose2d(4, 6, 1, groups=groups, bias=False)
    names = {'weight': groups}
    turned = outward({'weight': layer.weight.detach()}, names)
    conv = nn.Conv2d(4, 6, 1, groups=groups, bias=False)
    conv.load_state_dict(turned)  # the same shape
    images = torch.randn(2, 4, 3, 3)
    torch.testing.assert_close(conv(images), layer(images))
    back = inward({'weight': turned['weight']}, {'weight': groups})
    assert torch.equal(back['weight'], layer.weight)


def test_two_of_four_along_the_input_channels():
    linear = torch.tensor([[1.0, 2, 3, 4, 8, 7, 6, 5]])
    conv = torch.zeros(1, 4, 1, 2)
    conv[0, :, 0, 0] = torch.tensor([4.0, 1, 3, 2])
    conv[0, :, 0, 1] = torch.tensor([1.0, 1, 1, 1])
    mask = prune({'l': linear, 'c': conv}, keep=8, pattern=NOfM(2, 4))
    assert mask['l'].tolist() == [[False, False, True, True, True, True, False, False]]
    assert mask['c'][0, :, 0, 0].tolist() == [True, False, True, False]
    assert mask['c'][0, :, 0, 1].tolist() == [True, True, False, False]  # ties: the earlier


def test_the_best_of_each_group_stay_until_all_others_are_gone():
    weight = torch.tensor([[1.0, 2, 3, 4, 5, 6, 7, 8]])
    masks, mask = [], None
    for keep in (7, 6, 4, 3):
        mask = prune({'w': weight}, mask, keep=keep, pattern=NOfM(2, 4))
        masks.append([i + 1 for i in mask['w'][0].nonzero().view(-1).tolist()])
    # 5 and 6 go after 1, though they are larger than 3 and 4, which are the best of their group.
    assert masks == [[2, 3, 4, 5, 6, 7, 8], [3, 4, 5, 6, 7, 8], [3, 4, 7, 8], [4, 7, 8]]


def holds(mask, n, m):
    return all(
        int(kept.movedim(1, -1).unflatten(-1, (-1, m)).sum(-1).max()) <= n for kept in mask.values()
    )


SHAPES = [(6, 8), (4, 8, 3, 3), (5, 16)]
PATTERNS = [unstructured, kernel, channel, FourByOne(), NOfM(2, 4), NOfM(4, 8), NOfM(1, 2)]


@pytest.mark.parametrize('pattern', PATTERNS, ids=lambda p: getattr(p, '__name__', str(p)))
@pytest.mark.parametrize('allocation', ALLOCATIONS)
@given(st.data())
@settings(deadline=None, max_examples=10)
def test_laws(pattern, allocation, data):
    weights = random_weights(*SHAPES, seed=data.draw(st.integers(0, 99)))
    floor = data.draw(st.sampled_from([0.0, 0.001]))
    how = {'pattern': pattern, 'allocation': allocation, 'floor': floor}
    mask = Mask.dense(weights)
    units = isinstance(pattern, NOfM) or pattern is unstructured
    for _ in range(3):
        keep = data.draw(st.integers(min(mask.kept, 8 + 72 + 16 if floor else 0), mask.kept))
        new = prune(weights, mask, keep=keep, **how)
        assert new.kept == keep if units else new.kept <= keep
        assert new.issubset(mask)
        assert new == prune(weights, mask, keep=keep, **how)
        assert not floor or all(kept.any() for kept in new.values())
        dims = {channel: 1, kernel: 2}.get(pattern)
        for kept in new.values() if dims else ():
            groups = kept.flatten(dims) if kept.dim() > dims else kept[..., None]
            assert torch.equal(groups.all(-1), groups.any(-1))
        if isinstance(pattern, NOfM) and keep <= mask.total * pattern.n // pattern.m:
            assert holds(new, pattern.n, pattern.m)
        mask = new


@pytest.mark.parametrize('allocation', [*ALLOCATIONS, Budgets({'w0': 0.6, 'w1': 0.75})])
def test_torch_takes_it_for_semi_structured(allocation):
    weights = random_weights((64, 128), (32, 64, 3, 3))
    mask = prune(weights, keep=None, sparsity=0.4, pattern=NOfM(2, 4), allocation=allocation)
    for sparsity in (0.75 if isinstance(allocation, Budgets) else 0.5, 0.8):
        if isinstance(allocation, Budgets) and sparsity == 0.8:
            break
        if isinstance(allocation, Budgets):
            keep = allocation.kept({name: weight.numel() for name, weight in weights.items()})
        else:
            keep = mask.total - round(mask.total * sparsity)
        mask = prune(weights, mask, keep=keep, pattern=NOfM(2, 4), allocation=allocation)
        for name, weight in weights.items():
            # As hardware multiplies: outputs × (kernel positions × input channels).
            matrix = (weight * mask[name]).half().movedim(1, -1).reshape(len(weight), -1)
            result = sparse_semi_structured_to_dense_cutlass(
                *sparse_semi_structured_from_dense_cutlass(matrix)
            )
            assert torch.equal(result, matrix)
            if torch.cuda.is_available():
                with warnings.catch_warnings():
                    warnings.simplefilter('ignore')
                    sparse = torch.sparse.to_sparse_semi_structured(matrix.cuda())
                assert torch.equal(sparse.to_dense().cpu(), matrix)


def test_torch_tells_when_it_is_not():
    matrix = random_weights((64, 128))['w0']
    matrix = (matrix * prune({'w': matrix}, sparsity=0.5)['w']).half()
    result = sparse_semi_structured_to_dense_cutlass(
        *sparse_semi_structured_from_dense_cutlass(matrix)
    )
    assert not torch.equal(result, matrix)


@pytest.mark.parametrize(
    ('weights', 'how', 'message'),
    [
        ({'w': torch.ones(2, 6)}, {}, r"'w' of shape \(2, 6\) cannot be pruned 2:4"),
        ({'w': torch.ones(2, 8)}, {'floor': 0.6}, 'a floor of 0.6 is more than 2:4 keeps'),
        (
            {'a': torch.ones(2, 8), 'b': torch.ones(2, 8)},
            {'allocation': Budgets({'a': 0.5})},
            'leave some weights dense, where the mask or the pattern does not',
        ),
    ],
)
def test_bad_input(weights, how, message):
    keep = Mask.dense(weights).total // 2
    with pytest.raises(ValueError, match=message):
        prune(weights, keep=keep, pattern=NOfM(2, 4), **how)


@pytest.mark.parametrize('numbers', [(0, 4), (4, 4), (2.0, 4)])
def test_no_n_of_m(numbers):
    with pytest.raises(ValueError, match='whole numbers 0 < N < M'):
        NOfM(*numbers)
