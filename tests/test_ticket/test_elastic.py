"""Tickets for deeper and shallower residual networks, block by block."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmdet.models import ResNet

from mmlth.pruning import Mask
from mmlth.ticket import TicketMismatchError
from mmlth.ticket.elastic import DEPTHS, block_order
from mmlth.ticket.mapping import Rule, map_names
from mmlth.ticket.transplant import transplant

SAME = (Rule('', ''),)


@pytest.mark.parametrize(
    ('source', 'target', 'append', 'interpolate'),
    [
        (3, 5, [0, 1, 2, 1, 2], [0, 1, 1, 2, 2]),  # as in the paper
        (3, 6, [0, 1, 2, 1, 2, 1], [0, 1, 1, 1, 2, 2]),
        (2, 4, [0, 1, 1, 1], [0, 1, 1, 1]),
        (6, 3, [0, 1, 2], [0, 1, 3]),
        (5, 3, [0, 1, 2], [0, 1, 3]),
        (4, 1, [0], [0]),
    ],
)
def test_orders_by_hand(source, target, append, interpolate):
    assert block_order(source, target, 'append') == append
    assert block_order(source, target, 'interpolate') == interpolate


@given(st.integers(2, 40), st.integers(1, 40), st.sampled_from(DEPTHS))
def test_orders(source, target, how):
    order = block_order(source, target, how)
    assert len(order) == target
    assert order[0] == 0
    assert all(0 < block < source for block in order[1:])
    if target >= source:
        assert set(order) == set(range(source))  # stretching loses nothing
    else:
        assert order == sorted(set(order))  # squeezing repeats and reorders nothing
    if source == target:
        assert order == list(range(source))
    if how == 'interpolate':
        assert order == sorted(order)


def blocks(*numbers):
    """A toy of blocks of one weight: its value is the number of the block, negatives are pruned."""
    weights = {f'layer1.{i}.conv1.weight': torch.full((1, 2), float(i)) for i in numbers}
    return {'conv1.weight': torch.full((1, 2), 9.0), **weights}


@pytest.mark.parametrize(
    ('source', 'target', 'how', 'expected'),
    [
        (3, 5, 'append', [0, 1, 2, 1, 2]),
        (3, 5, 'interpolate', [0, 1, 1, 2, 2]),
        (5, 3, 'append', [0, 1, 2]),
        (5, 3, 'interpolate', [0, 1, 3]),
    ],
)
def test_a_toy_with_mask_and_values(source, target, how, expected):
    given, own = blocks(*range(source)), blocks(*range(target))
    mask = Mask({n: torch.tensor([[True, int(w[0, 0]) % 2 == 0]]) for n, w in given.items()})
    names = map_names(shapes(given), shapes(own), SAME, depths=how)
    done = transplant(names, mask, given, own, list(own))
    for i, block in enumerate(expected):
        kept = block % 2 == 0
        assert done.mask[f'layer1.{i}.conv1.weight'].tolist() == [[True, kept]]
        assert done.weights[f'layer1.{i}.conv1.weight'].tolist() == [[block, block * kept]]
    assert done.weights['conv1.weight'].tolist() == [[9, 0]]
    dropped = [f'layer1.{i}.conv1.weight' for i in range(source) if i not in expected]
    assert list(names.unused) == dropped
    # Blocks that are repeated are trained apart.
    places = {w.data_ptr() for w in done.weights.values()}
    assert len(places) == len(done.weights)


def shapes(tensors):
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def resnet(depth):
    with torch.device('meta'):
        return shapes(ResNet(depth).state_dict())


def origins(names, stage):
    result = {
        int(t.split('.')[1]): int(s.split('.')[1])
        for t, s in names.matched.items()
        if t.startswith(f'layer{stage}.')
    }
    return [result[i] for i in sorted(result)]


@pytest.mark.parametrize(
    ('source', 'target', 'how', 'expected'),
    [
        (18, 34, 'append', [[0, 1, 1], [0, 1, 1, 1], [0, 1, 1, 1, 1, 1], [0, 1, 1]]),
        (34, 18, 'append', [[0, 1]] * 4),
        (34, 18, 'interpolate', [[0, 1]] * 4),
        (
            50,
            101,
            'append',
            [[0, 1, 2], [0, 1, 2, 3], [0, *([1, 2, 3, 4, 5] * 5)[:22]], [0, 1, 2]],
        ),
        (101, 50, 'interpolate', [[0, 1, 2], [0, 1, 2, 3], [0, 1, 5, 9, 14, 18], [0, 1, 2]]),
    ],
)
def test_resnets(source, target, how, expected):
    # 101 → 50: 22 blocks after the first for 5: 1 + i·22 // 5 is 1, 5, 9, 14, 18.
    names = map_names(resnet(source), resnet(target), SAME, depths=how)
    assert [origins(names, stage) for stage in (1, 2, 3, 4)] == expected
    assert names.matched.keys() == resnet(target).keys()  # stem, norms, statistics, all
    assert names.matched['layer2.0.downsample.0.weight'] == 'layer2.0.downsample.0.weight'
    assert not names.missing
    assert not names.mismatched


@pytest.mark.parametrize('depths', [None, *DEPTHS])
def test_basic_blocks_are_no_bottlenecks(depths):
    with pytest.raises(TicketMismatchError, match='blocks of 2 convolutions cannot become blocks'):
        map_names(resnet(18), resnet(50), SAME, depths=depths)


def test_another_depth_by_chance_is_an_error():
    with pytest.raises(TicketMismatchError, match=r'has 2-2-2-2 .* the target 3-4-6-3; say how'):
        map_names(resnet(18), resnet(34), SAME)


def test_what_cannot_be_stretched():
    with pytest.raises(TicketMismatchError, match='layer1: a stage of one block'):
        map_names(shapes(blocks(0)), shapes(blocks(0, 1)), SAME, depths='append')
    with pytest.raises(TicketMismatchError, match='share no residual stages'):
        map_names({'fc.weight': (1,)}, {'fc.weight': (1,)}, SAME, depths='append')
