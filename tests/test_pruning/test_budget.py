"""Budgets in multiply-adds: by hand, and the law of the longest part of the ranking."""

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mmlth.pruning import FourByOne, Mask, NOfM, PruningError, count_macs, kept_amount, prune
from mmlth.pruning.allocation import erk, global_allocation, lamp, uniform
from mmlth.pruning.patterns import channel, kernel, unstructured


def listed(mask):
    return {name: kept.int().tolist() for name, kept in mask.items()}


def test_the_longest_part_of_the_ranking_that_the_budget_pays_for():
    weights = {'cheap': torch.tensor([4.0, 3, 2, 1]), 'dear': torch.tensor([8.0, 6, 4, 2])}
    costs = {'cheap': 1, 'dear': 4}
    # The ratios 4, 3, 2 and 8/4 (the earlier first), 6/4, … cost 1, 2, 3, 7, 11.
    for budget, expected in (
        (6, {'cheap': [1, 1, 1, 0], 'dear': [0, 0, 0, 0]}),
        (7, {'cheap': [1, 1, 1, 0], 'dear': [1, 0, 0, 0]}),
        (10, {'cheap': [1, 1, 1, 0], 'dear': [1, 0, 0, 0]}),  # not the next but one
        (11, {'cheap': [1, 1, 1, 0], 'dear': [1, 1, 0, 0]}),
        (0, {'cheap': [0, 0, 0, 0], 'dear': [0, 0, 0, 0]}),
        (20, {'cheap': [1, 1, 1, 1], 'dear': [1, 1, 1, 1]}),
    ):
        mask = prune(weights, keep=budget, costs=costs, cost_power=1)
        assert listed(mask) == expected, budget
    # 45 % removed of 20 multiply-adds leaves 11.
    mask = prune(weights, sparsity=0.45, costs=costs, cost_power=1)
    assert kept_amount(mask, costs) == 11


def test_a_smaller_power_spares_what_is_dear():
    weights = {'cheap': torch.tensor([4.0, 3, 2, 1]), 'dear': torch.tensor([8.0, 6, 4, 2])}
    costs = {'cheap': 1, 'dear': 4}
    # By the score alone 8, 6, 4 (the earlier first), …; over the root 4, 4, 3, 3, 2, 2, 1, 1.
    for power, expected in (
        (0, {'cheap': [1, 0, 0, 0], 'dear': [1, 1, 0, 0]}),
        (0.5, {'cheap': [1, 1, 0, 0], 'dear': [1, 0, 0, 0]}),
        (1, {'cheap': [1, 1, 1, 0], 'dear': [1, 0, 0, 0]}),
    ):
        budget = 9 if power else 12
        assert listed(prune(weights, keep=budget, costs=costs, cost_power=power)) == expected
    default = prune(weights, keep=12, costs=costs)
    assert default == prune(weights, keep=12, costs=costs, cost_power=0)
    with pytest.raises(PruningError, match='cost_power must lie between 0 and 1, got 2'):
        prune(weights, keep=9, costs=costs, cost_power=2)


def test_ratios_that_differ_in_the_last_place_are_no_tie():
    weights = {'a': torch.tensor([3.0]), 'b': torch.tensor([1.0])}
    costs = {'a': 30_000_001, 'b': 10_000_000}
    mask = prune(weights, keep=30_000_001, costs=costs, cost_power=1)
    assert listed(mask) == {'a': [0], 'b': [1]}


def test_equal_costs_change_nothing():
    weights = {'a': torch.randn(6, 5), 'b': torch.randn(7, 3)}
    for keep in (0, 13, 50):
        mask = prune(weights, keep=3 * keep + 2, costs={'a': 3, 'b': 3})
        assert mask == prune(weights, keep=keep)


def test_the_floor_comes_first():
    weights = {'cheap': torch.full((100,), 9.0), 'dear': torch.ones(100)}
    costs = {'cheap': 1, 'dear': 50}
    mask = prune(weights, keep=150, costs=costs, floor=0.01)
    assert [int(kept.sum()) for kept in mask.values()] == [100, 1]
    with pytest.raises(PruningError, match='take 510 multiply-adds, but only 500 are to be kept'):
        prune(weights, keep=500, costs=costs, floor=0.1)
    mask = prune(weights, keep=510, costs=costs, floor=0.1)
    assert [int(kept.sum()) for kept in mask.values()] == [10, 10]


def test_uniform_density_is_a_share_of_the_multiply_adds_as_well():
    weights = {'a': torch.randn(1000), 'b': torch.randn(500)}
    mask = prune(weights, sparsity=0.8, costs={'a': 1, 'b': 7}, allocation=uniform)
    assert [int(kept.sum()) for kept in mask.values()] == [200, 100]


@pytest.mark.parametrize(
    ('costs', 'message'),
    [
        ({'a': 1}, "of 'b' they tell None"),
        ({'a': 1, 'b': 0}, "of 'b' they tell 0"),
        ({'a': 1.5, 'b': 1}, "of 'a' they tell 1.5"),
    ],
)
def test_costs_that_are_none(costs, message):
    with pytest.raises(PruningError, match=message):
        prune({'a': torch.ones(3), 'b': torch.ones(3)}, keep=2, costs=costs)


def test_what_cannot_be_kept():
    with pytest.raises(PruningError, match='cannot keep 7 multiply-adds of the 6 that the mask'):
        prune({'a': torch.ones(3)}, keep=7, costs={'a': 2})
    with pytest.raises(PruningError, match='a score is NaN'):
        prune({'a': torch.tensor([1.0, math.nan, 2])}, keep=4, costs={'a': 2})


def test_scores_that_are_divided_must_not_be_negative():
    given = {'keep': 2, 'costs': {'a': 2}}
    weights, scores = {'a': torch.ones(3)}, {'a': torch.tensor([-1.0, 1, -2])}
    with pytest.raises(PruningError, match=r"power 0\.5 .* must not be negative, as one of 'a' is"):
        prune(weights, score=lambda e: scores, cost_power=0.5, **given)
    assert prune(weights, score=lambda e: scores, **given)['a'].tolist() == [False, True, False]
    # Pruned weights do not compete.
    mask = Mask({'a': torch.tensor([False, True, False])})
    kept = prune(weights, mask, score=lambda e: scores, cost_power=0.5, **given)
    assert kept['a'].tolist() == [False, True, False]


def test_a_score_with_iterations_goes_down_in_steps_of_multiply_adds():
    seen = []

    def score(inputs):
        seen.append(kept_amount(inputs.mask, costs))
        return {name: weight.abs() for name, weight in inputs.weights.items()}

    score.iterations = 2
    costs = {'a': 2, 'b': 5}
    weights = {'a': torch.rand(500), 'b': torch.rand(200)}
    assert kept_amount(prune(weights, keep=20, costs=costs, score=score), costs) in range(16, 21)
    assert seen[0] == 2000
    assert 195 < seen[1] <= 200  # √(2000 · 20)


ALLOCATIONS = [global_allocation, uniform, erk, lamp]
PATTERNS = [unstructured, kernel, channel, FourByOne(), NOfM(2, 4)]
SHAPES = {'a': (6, 8), 'b': (4, 4, 3, 3), 'c': (5, 8)}


@pytest.mark.parametrize('pattern', PATTERNS, ids=lambda p: getattr(p, '__name__', str(p)))
@pytest.mark.parametrize('allocation', ALLOCATIONS)
@given(st.data())
@settings(deadline=None, max_examples=4)
def test_laws(pattern, allocation, data):
    """Within the budget, as close to it as single weights allow, nested, the same again."""
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 99)))
    weights = {name: torch.randn(shape, generator=generator) for name, shape in SHAPES.items()}
    costs = {name: data.draw(st.sampled_from([1, 3, 16, 400, 16384])) for name in SHAPES}
    floor = data.draw(st.sampled_from([0.0, 0.001]))
    how = {'pattern': pattern, 'allocation': allocation, 'floor': floor, 'costs': costs}
    unit = {unstructured: 1, kernel: 9, channel: 36}.get(pattern, 4)
    most = max(costs.values())
    mask = Mask.dense(weights)
    for _ in range(3):
        left = kept_amount(mask, costs)
        least = min(left, sum(unit * 2 * cost for cost in costs.values())) if floor else 0
        budget = data.draw(st.integers(least, left))
        new = prune(weights, mask, keep=budget, **how)
        # What is left over is less than a unit of each layer.
        assert budget - len(SHAPES) * unit * most < kept_amount(new, costs) <= budget
        assert new.issubset(mask)
        assert new == prune(weights, mask, keep=budget, **how)
        assert not floor or all(kept.any() for kept in new.values())
        mask = new


few = st.integers(-3, 3).map(float)  # so that ratios tie


@given(
    st.lists(
        st.tuples(st.lists(few, min_size=1, max_size=6), st.integers(1, 6)), min_size=1, max_size=5
    ),
    st.floats(0, 1),
    st.sampled_from((0, 1)),
)
@settings(deadline=None, max_examples=100)
def test_it_is_what_sorting_gives(layers, share, power):
    """The longest part of the ranking, by exact fractions and in plain Python."""
    weights = {f'w{i:02}': torch.tensor(values) for i, (values, _) in enumerate(layers)}
    costs = {f'w{i:02}': cost for i, (_, cost) in enumerate(layers)}
    budget = math.floor(share * sum(costs[name] * len(weight) for name, weight in weights.items()))
    ranking = sorted(
        ((name, place) for name, weight in weights.items() for place in range(len(weight))),
        key=lambda at: -Fraction(abs(float(weights[at[0]][at[1]]))) / costs[at[0]] ** power,
    )
    kept, left = set(), budget
    for name, place in ranking:
        left -= costs[name]
        if left < 0:
            break
        kept.add((name, place))
    mask = prune(weights, keep=budget, costs=costs, cost_power=power)
    drawn = {(name, int(place)) for name in mask for place in mask[name].nonzero()}
    assert drawn == kept


def searched(mask, scores, keep, allocation, floor):
    """Another name for single weights, so that numbers of weights are tried one after another."""
    return unstructured(mask, scores, keep, allocation, floor)


@given(
    st.lists(
        st.tuples(st.lists(few, min_size=1, max_size=6), st.integers(1, 6)), min_size=1, max_size=5
    ),
    st.sampled_from([0.0, 0.001, 0.3]),
    st.floats(0, 1),
)
@settings(deadline=None, max_examples=50)
def test_one_sort_gives_what_trying_gives(layers, floor, share):
    weights = {f'w{i:02}': torch.tensor(values) for i, (values, _) in enumerate(layers)}
    costs = {f'w{i:02}': cost for i, (_, cost) in enumerate(layers)}
    sizes = {name: len(weight) for name, weight in weights.items()}
    least = sum(math.ceil(size * floor - 1e-9) * costs[name] for name, size in sizes.items())
    most = sum(size * costs[name] for name, size in sizes.items())
    how = {'keep': least + math.floor(share * (most - least)), 'costs': costs, 'floor': floor}
    assert prune(weights, **how) == prune(weights, pattern=searched, **how)


class Net(nn.Module):
    """A convolution at 6 × 6 positions, one of 3 × 3, and a linear layer."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.second = nn.Conv2d(4, 4, 3, stride=2, padding=1, groups=2)
        self.up = nn.ConvTranspose2d(4, 4, 2, stride=2)
        self.fc = nn.Linear(4, 2)
        self.idle = nn.Linear(4, 2)

    def forward(self, image):
        return self.fc(self.up(self.second(self.first(image))).mean((2, 3)))


def test_what_a_weight_costs_is_how_often_it_is_used():
    model = Net().eval()
    macs = count_macs(model, lambda: model(torch.rand(1, 3, 6, 6)))
    names = ('first.weight', 'second.weight', 'up.weight', 'fc.weight')
    weights = {name: model.get_parameter(name) for name in names}
    costs = macs.per_weight(weights)
    assert list(costs.values()) == [36, 9, 9, 1]
    mask = prune(weights, sparsity=0.8, costs=costs)
    # The same number as the report counts from the mask.
    assert kept_amount(mask, costs) == macs.sparse(mask)
    with pytest.raises(PruningError, match=r'counted for idle\.weight \(not used\)'):
        macs.per_weight({'idle.weight': model.idle.weight})
