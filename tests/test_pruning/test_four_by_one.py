"""Blocks of four outputs: by hand, at odd numbers of outputs, in groups, turned round."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mmlth.pruning import FourByOne, Mask, grouped_weights, prune, transposed_weights
from mmlth.pruning.allocation import erk, global_allocation, lamp, uniform

BLOCKS = FourByOne()


def blocks(kept, groups=1):
    """What is kept of each block: (groups, blocks, inputs and positions), by plain loops."""
    outputs = len(kept) // groups
    rows = kept.reshape(groups, outputs, -1)
    return [
        rows[group, start : min(start + 4, outputs), place]
        for group in range(groups)
        for start in range(0, outputs, 4)
        for place in range(rows.shape[2])
    ]


def whole(kept, groups=1):
    return all(bool(block.all()) == bool(block.any()) for block in blocks(kept, groups))


def test_blocks_go_by_their_mean():
    # Two blocks of outputs at two inputs, with the means 4, 1, 3, 2.
    weight = torch.tensor([[4.0, 0], [4, 4], [4, 0], [4, 0], [9, 2], [1, 2], [1, 2], [1, 2]])
    mask = prune({'w': weight}, keep=8, pattern=BLOCKS)
    assert mask['w'].tolist() == [[True, False]] * 8
    mask = prune({'w': weight}, keep=12, pattern=BLOCKS)
    assert mask['w'].tolist() == [[True, False]] * 4 + [[True, True]] * 4
    # Three more are no block, so a few less are kept.
    assert prune({'w': weight}, keep=15, pattern=BLOCKS) == mask


def test_a_kernel_position_is_by_itself():
    weight = torch.zeros(4, 1, 1, 2)
    weight[..., 1] = 1
    mask = prune({'w': weight}, keep=4, pattern=BLOCKS)['w']
    assert torch.equal(mask, weight.bool())


def test_the_last_block_is_smaller_where_outputs_are_no_multiple_of_four():
    weight = torch.tensor([[1.0], [1], [1], [1], [5], [5]])
    mask = prune({'w': weight}, keep=2, pattern=BLOCKS)['w']
    assert mask.view(-1).tolist() == [False] * 4 + [True] * 2
    # Its mean counts what it has, not the four that it might have had.
    weight = torch.tensor([[4.0], [4], [4], [4], [5], [5]])
    assert (
        prune({'w': weight}, keep=2, pattern=BLOCKS)['w'].view(-1).tolist()
        == mask.view(-1).tolist()
    )


@pytest.mark.parametrize(('groups', 'size'), [(1, 4), (2, 4), (4, 3), (12, 1)])
def test_blocks_stay_within_their_group(groups, size):
    layer = nn.Conv2d(12, 12, 3, groups=groups, bias=False)
    known = grouped_weights(layer, ['weight'])
    assert known == ({'weight': groups} if groups > 1 else {})
    kept = prune(layer.state_dict(), sparsity=0.5, pattern=BLOCKS, groups=known)['weight']
    assert whole(kept, groups)
    assert {len(block) for block in blocks(kept, groups)} <= {size, 12 // groups % 4 or 4}
    assert 0 <= 12 * 12 // groups * 9 // 2 - int(kept.sum()) < size
    if 1 < groups < 12:
        assert not whole(kept)  # else groups would not matter


@pytest.mark.parametrize('groups', [1, 2])
def test_transposed_convolutions_have_blocks_of_outputs(groups):
    layer = nn.ConvTranspose2d(4, 8, 2, groups=groups, bias=False)
    how = {
        'transposed': transposed_weights(layer, ['weight']),
        'groups': grouped_weights(layer, ['weight']),
    }
    mask = prune(layer.state_dict(), sparsity=0.5, pattern=BLOCKS, **how)['weight']
    assert mask.count_nonzero() == mask.numel() // 2
    # (inputs, outputs of a group, …): four outputs in a row at one input and position.
    assert torch.equal(*(f(mask.unflatten(1, (-1, 4)), 2) for f in (torch.any, torch.all)))


def test_the_floor_keeps_whole_blocks():
    weights = {'a': torch.full((8, 10), 9.0), 'b': torch.ones(6, 10)}
    assert not prune(weights, keep=40, pattern=BLOCKS)['b'].any()
    kept = prune(weights, keep=40, pattern=BLOCKS, floor=0.001)['b']
    assert whole(kept)
    assert 1 <= int(kept.sum()) <= 4


SHAPES = {'linear': (7, 8), 'conv': (12, 4, 3, 3), 'grouped': (12, 2, 3, 3), 'depthwise': (9, 1, 3)}
GROUPS = {'grouped': 2, 'depthwise': 9}


@pytest.mark.parametrize('allocation', [global_allocation, uniform, erk, lamp])
@given(st.data())
@settings(deadline=None, max_examples=15)
def test_laws(allocation, data):
    """Whole blocks, nested, the same again, close to the number, no layer below the floor."""
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 99)))
    weights = {name: torch.randn(shape, generator=generator) for name, shape in SHAPES.items()}
    floor = data.draw(st.sampled_from([0.0, 0.001, 0.1]))
    how = {'pattern': BLOCKS, 'allocation': allocation, 'groups': GROUPS, 'floor': floor}
    mask = Mask.dense(weights)
    for _ in range(3):
        keep = data.draw(st.integers(min(mask.kept, 120 if floor else 0), mask.kept))
        new = prune(weights, mask, keep=keep, **how)
        assert keep - 4 * len(SHAPES) < new.kept <= keep
        assert new.issubset(mask)
        assert new == prune(weights, mask, keep=keep, **how)
        for name, kept in new.items():
            assert whole(kept, GROUPS.get(name, 1)), name
            assert int(kept.sum()) >= min(floor * kept.numel(), int(mask[name].sum()))
        mask = new


@given(st.integers(0, 600), st.integers(0, 99))
@settings(deadline=None, max_examples=30)
def test_no_more_than_three_less_where_all_blocks_are_whole(keep, seed):
    generator = torch.Generator().manual_seed(seed)
    shapes = ((8, 8), (12, 4, 3, 3), (4, 26))
    weights = {f'{s}': torch.randn(s, generator=generator) for s in shapes}
    mask = prune(weights, keep=keep, pattern=BLOCKS)
    assert mask.kept == keep - keep % 4
