"""Many masks beside each other: counted by hand, by other means, and against chance itself."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmlth.analysis import compare_tickets
from mmlth.analysis.masks import (
    PART_KINDS,
    flips,
    layers,
    modules,
    profile,
    similarity,
    survival,
    zero_parts,
)
from mmlth.analysis.masks.zeros import empty_by_chance
from mmlth.pruning import Mask
from mmlth.pruning.controls import noise, random_layerwise
from mmlth.pruning.distance import hamming, iou, overlaps, together
from mmlth.ticket import Ticket

SHAPES = {'b.conv.weight': (4, 3, 3, 3), 'a.fc.weight': (5, 7), 'a.point.weight': (3, 2, 1, 1)}


def drawn(seed, densities=(0.5, 0.2, 0.8)):
    generator = torch.Generator().manual_seed(seed)
    return Mask(
        {
            name: torch.rand(shape, generator=generator) < density
            for (name, shape), density in zip(SHAPES.items(), densities)
        }
    )


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=4), st.floats(0, 1))
@settings(deadline=None, max_examples=30)
def test_matrices_hold_what_pairs_say(seeds, density):
    masks = [drawn(seed, (density, 0.3, 0.6)) for seed in seeds]
    result = similarity([profile(mask) for mask in masks])
    for i, first in enumerate(masks):
        for j, second in enumerate(masks):
            pair = compare_tickets(Ticket(first, None), Ticket(second, None))
            assert result.overlap(i, j) == together(overlaps(first, second).values())
            assert result.hamming[i, j] == pytest.approx(hamming(first, second))
            for matrix, value in (
                (result.iou, iou(first, second)),
                (result.chance_iou, pair.chance_iou),
            ):
                assert matrix[i, j] == pytest.approx(value)


def test_masks_that_keep_nothing_have_no_iou():
    nothing = profile(Mask({name: torch.zeros(s, dtype=torch.bool) for name, s in SHAPES.items()}))
    result = similarity([nothing, profile(drawn(0))])
    assert math.isnan(result.iou[0, 0])
    assert math.isnan(result.chance_iou[0, 0])
    assert (result.iou[0, 1], result.hamming[0, 0]) == (0, 0)


def test_the_order_of_layers_does_not_matter():
    mask = drawn(3)
    other = Mask({name: mask[name] for name in reversed(list(mask))})
    result = similarity([profile(mask), profile(other)])
    assert result.iou[0, 1] == 1
    assert result.chance_iou[0, 1] == pytest.approx(result.chance_iou[0, 0])


def test_masks_of_other_models_are_refused():
    mask = drawn(0)
    less = Mask({name: mask[name] for name in list(mask)[:2]})
    turned = Mask({**mask, 'a.fc.weight': mask['a.fc.weight'].T})
    for other in (less, turned):
        with pytest.raises(ValueError, match="number 2 of these: 'a"):
            similarity([profile(mask), profile(other)])
    with pytest.raises(ValueError, match='number 2 of these'):
        survival([layers(mask), layers(less)])


def test_chance_is_what_random_masks_with_these_layers_have():
    ticket, other = drawn(1, (0.9, 0.1, 0.5)), drawn(2, (0.8, 0.2, 0.5))
    expected = similarity([profile(ticket), profile(other)])
    generator = torch.Generator().manual_seed(0)
    result = [
        similarity([profile(random_layerwise(m, generator)) for m in (ticket, other)])
        for _ in range(400)
    ]
    both = np.array([each.both[0, 1] for each in result])
    error = 4 * both.std() / 20
    assert both.mean() == pytest.approx(expected.chance_both[0, 1], abs=error)
    apart = np.mean([each.hamming[0, 1] for each in result])
    assert apart == pytest.approx(expected.chance_hamming[0, 1], abs=2 * error / ticket.total)


def test_densities_side_by_side():
    half = torch.tensor([[True, False], [True, False]])
    quarter = half & torch.tensor([[True, True], [False, False]])
    whole = torch.ones(4, dtype=torch.bool)
    tickets = [{'x.a': half, 'y.b': whole}, {'x.a': quarter, 'y.b': whole}]
    result = survival([layers(mask) for mask in tickets])
    assert (result.names, result.weights) == (('x.a', 'y.b'), (4, 4))
    assert result.parts.tolist() == [[0.5, 0.25], [1, 1]]
    assert result.whole.tolist() == [0.75, 0.625]
    assert result.relative[:, 1].tolist() == [0.4, 1.6]
    by_module = survival([modules(layers(mask)) for mask in tickets])
    assert by_module.names == ('x', 'y')
    assert by_module.parts.tolist() == result.parts.tolist()


def test_nothing_left_has_no_relative_density():
    result = survival([layers({'a': torch.zeros(3, dtype=torch.bool)})])
    assert (result.parts[0, 0], result.whole[0], math.isnan(result.relative[0, 0])) == (0, 0, True)


@pytest.mark.parametrize('total', [1, 5, 12])
def test_the_probability_of_an_empty_part_is_a_ratio_of_binomials(total):
    for size in range(1, total + 1):
        for kept in range(total + 1):
            expected = math.comb(total - size, kept) / math.comb(total, kept)
            assert empty_by_chance(total, kept, size) == pytest.approx(expected)


def test_zero_parts_and_how_many_chance_empties():
    conv = torch.zeros(2, 2, 1, 2, dtype=torch.bool)
    conv[0, 0] = True  # 2 of 8 weights, in one of 4 kernels, one row, one column
    mask = {'conv': conv, 'point': torch.zeros(3, 1, 1, 1, dtype=torch.bool)}
    kernels, outputs, inputs = (zero_parts(layers(mask), kind) for kind in PART_KINDS)
    assert (kernels.zero, kernels.of) == (3, 4)  # kernels of 1 × 1 are single weights
    assert kernels.chance == pytest.approx(4 * (6 * 5) / (8 * 7))
    assert (outputs.zero, outputs.of) == (1 + 3, 2 + 3)
    assert outputs.chance == pytest.approx(3 + 2 * (4 * 3) / (8 * 7))
    assert (inputs.zero, inputs.of) == (1 + 1, 2 + 1)
    assert zero_parts(layers({'scale': torch.tensor([True])}), 'inputs') is None


def test_random_masks_empty_as_many_kernels_as_chance_says():
    generator = torch.Generator().manual_seed(0)
    mask = Mask({'conv': torch.rand(30, 20, 3, 3, generator=generator) < 0.15})
    counts = [
        zero_parts(layers(random_layerwise(mask, generator)), 'kernels').zero for _ in range(50)
    ]
    expected = zero_parts(layers(mask), 'kernels').chance
    assert np.mean(counts) == pytest.approx(expected, abs=4 * np.std(counts) / 50**0.5)


@pytest.mark.parametrize('matched', [True, False])
def test_flips_are_what_noise_was_asked_for(matched):
    mask = Mask({'w': torch.arange(1000) < 400})
    noisy = noise(mask, torch.Generator().manual_seed(0), 0.1, matched)
    result = flips(similarity([profile(mask), profile(noisy)]).overlap(0, 1))
    assert result.kept == pytest.approx(0.1)
    assert result.pruned == pytest.approx(40 / 600 if matched else 0.1)
    assert result.all == pytest.approx(0.08 if matched else 0.1)
