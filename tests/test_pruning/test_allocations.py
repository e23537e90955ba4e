"""Every allocation by hand, and the laws that all of them keep."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmdet.models.backbones import ResNet
from torch import nn

from mmlth.pruning import Mask, count_macs, kept_at, prune
from mmlth.pruning.allocation import Budgets, erk, global_allocation, lamp, uniform
from mmlth.pruning.allocation.proportions import share_out
from mmlth.pruning.kept_counts import geometric_steps

EVERY = {
    'global': global_allocation,
    'uniform': uniform,
    'erk': erk,
    'lamp': lamp,
    'budgets': Budgets({'a': 0.9, 'b': 0.5, 'b.x': 0.7}),
}


def counts(mask):
    return {name: int(kept.sum()) for name, kept in mask.items()}


def ranks(**shapes):
    """Weights of which all in a later layer are larger."""
    total = sum(math.prod(shape) for shape in shapes.values())
    flat = torch.randperm(total, generator=torch.Generator().manual_seed(0)).sort().values + 1.0
    parts = flat.split([math.prod(shape) for shape in shapes.values()])
    return {name: part.view(shape) for part, (name, shape) in zip(parts, shapes.items())}


def test_uniform():
    weights = ranks(a=(4,), b=(8,))
    assert counts(prune(weights, keep=6, allocation=uniform)) == {'a': 2, 'b': 4}
    # 7 · 4/12 = 2⅓ and 7 · 8/12 = 4⅔: the larger remainder is rounded up.
    assert counts(prune(weights, keep=7, allocation=uniform)) == {'a': 2, 'b': 5}
    assert prune(weights, keep=6, allocation=uniform)['a'].tolist() == [False] * 2 + [True] * 2


def test_a_layer_that_is_sparser_already_leaves_its_share_to_others():
    weights = ranks(a=(4,), b=(8,))
    mask = Mask({'a': torch.tensor([True] + [False] * 3), 'b': torch.ones(8, dtype=torch.bool)})
    assert counts(prune(weights, mask, keep=6, allocation=uniform)) == {'a': 1, 'b': 5}


def test_erk():
    # Numbers are in proportion to 2 + 3 = 5 and 4 + 2 + 3 + 3 = 12, densities so 5/6 and 12/72.
    weights = ranks(linear=(2, 3), conv=(4, 2, 3, 3))
    assert counts(prune(weights, keep=17, allocation=erk)) == {'linear': 5, 'conv': 12}
    # 34 would give the linear layer 10 of its 6.
    assert counts(prune(weights, keep=34, allocation=erk)) == {'linear': 6, 'conv': 28}


class Classifier(nn.Module):
    """ResNet-50 as it classifies ImageNet."""

    def __init__(self):
        super().__init__()
        self.backbone = ResNet(50)
        self.fc = nn.Linear(2048, 1000)

    def forward(self, images):
        return self.fc(self.backbone(images)[-1].mean((2, 3)))


def test_erk_has_the_multiply_adds_of_the_paper():
    """Evci et al. (2020): static ERK takes 0.42 and 0.24 of the FLOPs of ResNet-50."""
    network = Classifier().eval()
    weights = {name: w.detach() for name, w in network.named_parameters() if w.dim() > 1}
    macs = count_macs(network, lambda: network(torch.zeros(1, 3, 224, 224)))
    # Small layers end dense: at 80 % 1 × 1 convolutions of the first stage, at 90 % a single one.
    for sparsity, share, dense in ((0.8, 0.414, 8), (0.9, 0.242, 1), (0.95, 0.122, 0)):
        mask = prune(weights, sparsity=sparsity, allocation=erk)
        assert macs.sparse(mask) / macs.dense == pytest.approx(share, abs=0.0005)
        ended = [name for name, kept in mask.items() if kept.all()]
        assert len(ended) == dense
        assert all('layer1' in name or 'layer2' in name for name in ended)


def test_lamp():
    weights = {'a': torch.tensor([1.0, 2.0, 2.0]), 'b': torch.tensor([[10.0], [1.0]])}
    # a: 4/4 for the first 2, 4/8 for the second, 1/9; b: 1 and 1/101.
    order = [('a', 1), ('b', 0), ('a', 2), ('a', 0), ('b', 1)]
    for keep in range(6):
        mask = prune(weights, keep=keep, allocation=lamp)
        kept = {(n, i) for n in mask for i in mask[n].flatten().nonzero().view(-1).tolist()}
        assert kept == set(order[:keep])


def test_lamp_of_extreme_scores():
    weights = {'a': torch.zeros(3), 'b': torch.tensor([1e-30, 1e-25, 1e30])}
    assert counts(prune(weights, keep=2, allocation=lamp)) == {'a': 0, 'b': 2}
    with pytest.raises(ValueError, match=r"must not be negative, as one of 'a' is"):
        prune(
            weights,
            keep=1,
            allocation=lamp,
            score=lambda e: {n: w - 1 for n, w in e.weights.items()},
        )


def test_budgets_end_where_they_say_and_share_one_exponent():
    weights = ranks(
        **{'neck.w': (100,), 'backbone.w': (10, 10), 'backbone.top.w': (50,), 'head': (9,)}
    )
    budgets = Budgets({'backbone': 0.9, 'neck': 0.5, 'backbone.top': 0.2})
    sizes = {name: weight.numel() for name, weight in weights.items()}
    assert budgets.kept(sizes) == 50 + 10 + 40 + 9
    end = prune(weights, keep=109, allocation=budgets)
    assert counts(end) == {'neck.w': 50, 'backbone.w': 10, 'backbone.top.w': 40, 'head': 9}
    # t = ½: 100 √.5 = 70.7, 100 √.1 = 31.6, 50 √.8 = 44.7, and 9.
    middle = prune(weights, keep=156, allocation=budgets)
    assert counts(middle) == {'neck.w': 71, 'backbone.w': 31, 'backbone.top.w': 45, 'head': 9}
    assert counts(prune(weights, middle, keep=109, allocation=budgets)) == counts(end)


@pytest.mark.parametrize(
    ('modules', 'keep', 'message'),
    [
        ({'nek': 0.5}, 4, "the budget of 'nek' is for no prunable weight; there are some in a, b"),
        ({'a': 0.5}, 7, 'leave 8 weights dense, but 7 are to be kept'),
        ({'a': 1.0}, 4, 'must be a sparsity from 0 to below 1'),
        ({}, 4, 'such as backbone=0.9'),
    ],
)
def test_impossible_budgets(modules, keep, message):
    with pytest.raises(ValueError, match=message):
        prune(ranks(a=(4,), b=(8,)), keep=keep, allocation=Budgets(modules))


def test_budgets_refuse_a_mask_that_is_sparse_where_they_are_dense():
    weights = ranks(a=(4,), b=(8,))
    mask = prune(weights, keep=10)
    with pytest.raises(ValueError, match='leave some weights dense, where the mask'):
        prune(weights, mask, keep=9, allocation=Budgets({'b': 0.5}))


def test_the_floor_keeps_the_best_of_a_layer_that_would_die():
    weights = {'a': torch.tensor([9.0, 8, 7, 6]), 'b': torch.tensor([1.0, 2, 4, 3])}
    assert counts(prune(weights, keep=4)) == {'a': 4, 'b': 0}
    mask = prune(weights, keep=4, floor=0.001)
    assert mask['b'].tolist() == [False, False, True, False]
    assert mask['a'].tolist() == [True, True, True, False]
    assert counts(prune(weights, keep=4, floor=0.5)) == {'a': 2, 'b': 2}
    with pytest.raises(ValueError, match='leaves at least 4 weights of these 2 layers, but only 3'):
        prune(weights, keep=3, floor=0.5)
    with pytest.raises(ValueError, match='floor must be a share'):
        prune(weights, keep=3, floor=1)


def test_the_floor_holds_within_a_budget():
    weights = {'a.x': torch.full((10,), 9.0), 'a.y': torch.ones(10), 'b': torch.full((10,), 5.0)}
    budgets = Budgets({'a': 0.5, 'b': 0.5})
    assert counts(prune(weights, keep=15, allocation=budgets, floor=0.2)) == {
        'a.x': 8,
        'a.y': 2,
        'b': 5,
    }


# Few values, so that almost every threshold falls on a tie.
shapes = st.lists(st.lists(st.integers(1, 5), min_size=2, max_size=3), min_size=3, max_size=3)


@st.composite
def networks(draw):
    def layer(shape):
        values = st.lists(st.integers(-3, 3), min_size=math.prod(shape), max_size=math.prod(shape))
        return torch.tensor(draw(values), dtype=torch.float32).view(shape)

    return {name: layer(shape) for name, shape in zip(('a', 'b.x', 'b.y'), draw(shapes))}


@pytest.mark.parametrize('name', EVERY)
@given(networks(), st.data())
@settings(deadline=None, max_examples=25)
def test_laws(name, weights, data):
    """Exact, nested, the same again; no layer below its floor; unchanged where that is kept."""
    allocation = EVERY[name]
    # A module by itself may be too small for the floors of its layers.
    floor = 0 if name == 'budgets' else data.draw(st.sampled_from([0, 0.001, 0.2]))
    mask = Mask.dense(weights)
    least = {n: math.ceil(w.numel() * floor - 1e-9) for n, w in weights.items()}
    lowest = sum(least.values())
    if name == 'budgets':
        lowest = max(lowest, allocation.kept({n: w.numel() for n, w in weights.items()}))
    for _ in range(3):
        keep = data.draw(st.integers(min(lowest, mask.kept), mask.kept))
        new = prune(weights, mask, keep=keep, allocation=allocation, floor=floor)
        assert new.kept == keep
        assert new.issubset(mask)
        assert new == prune(weights, mask, keep=keep, allocation=allocation, floor=floor)
        assert all(kept >= least[n] for n, kept in counts(new).items())
        plain = prune(weights, mask, keep=keep, allocation=allocation)
        if all(kept >= least[n] for n, kept in counts(plain).items()):
            assert new == plain
        for n, kept in new.items():  # the best of each layer
            gone = mask[n] & ~kept
            if gone.any() and kept.any():
                assert weights[n].abs()[kept].min() >= weights[n].abs()[gone].max()
        mask = new


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=6), st.data())
def test_shares_are_exact_and_proportional(parts, data):
    weights, most = zip(*parts)
    total = data.draw(st.integers(0, sum(most)))
    shares = share_out(total, weights, most)
    assert sum(shares) == total
    assert all(0 <= share <= limit for share, limit in zip(shares, most))
    free = [i for i in range(len(parts)) if shares[i] < most[i] and weights[i]]
    for i in free:
        for j in free:  # no more than one from the same ratio
            assert abs(shares[i] * weights[j] - shares[j] * weights[i]) < weights[i] + weights[j]


def test_lists_of_sparsities():
    assert kept_at(1000, [0.5, 0.8, 0.95]) == [1000, 500, 200, 50]
    for bad in ([], [0.5, 0.5], [0.8, 0.5], [0.0], [0.5, 1.0]):
        with pytest.raises(ValueError, match='must rise'):
            kept_at(10, bad)
    assert geometric_steps(1000, 0, 3) == [100, 10, 0]
    assert geometric_steps(5, 5, 4) == [5, 5, 5, 5]
