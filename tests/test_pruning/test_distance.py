"""Distances of masks: by hand, and the laws of a distance."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmlth.pruning.distance import (
    chance_hamming,
    chance_iou,
    hamming,
    iou,
    overlap,
    overlaps,
    together,
)


def bits(**texts):
    return {name: torch.tensor([c == '1' for c in text]) for name, text in texts.items()}


A = bits(a='11110000', b='1100')
B = bits(a='01100000', b='0010')


def test_by_hand():
    # Both keep 2 + 0 weights, either 4 + 3; they differ in 2 + 3 of 8 + 4.
    assert iou(A, B) == 2 / 7
    assert hamming(A, B) == 5 / 12


def test_by_layer_by_hand():
    result = overlaps(A, B)
    assert {name: part.iou for name, part in result.items()} == {'a': 2 / 4, 'b': 0}
    assert {name: part.hamming for name, part in result.items()} == {'a': 2 / 8, 'b': 3 / 4}
    assert together(result.values()) == overlap(*(torch.cat([m['a'], m['b']]) for m in (A, B)))


def test_within_a_mask_only_its_weights_count():
    wide = bits(a='11110000', b='1110')
    assert hamming(A, B, within=wide) == 5 / 7
    assert overlap(A['a'], B['a'], within=B['a']).hamming == 0  # where B keeps, so does A


def test_chance_by_hand():
    assert chance_iou(0.5, 0.25) == pytest.approx(0.125 / (0.75 - 0.125))
    assert chance_iou(0.2, 0.2) == pytest.approx(0.2 / (2 - 0.2))
    assert (chance_iou(1, 1), chance_iou(0, 1), chance_iou(0, 0)) == (1, 0, None)
    assert chance_hamming(0.8, 0.8) == pytest.approx(0.32)
    assert overlap(A['a'], B['a']).chance_iou == pytest.approx(chance_iou(4 / 8, 2 / 8))


def test_chance_is_what_independent_masks_give():
    generator = torch.Generator().manual_seed(0)
    first, second = (torch.rand(200_000, generator=generator) < d for d in (0.3, 0.1))
    assert overlap(first, second).iou == pytest.approx(chance_iou(0.3, 0.1), abs=5e-3)
    assert overlap(first, second).hamming == pytest.approx(chance_hamming(0.3, 0.1), abs=5e-3)


def test_masks_that_keep_nothing():
    nothing = bits(a='00')
    assert (iou(nothing, nothing), hamming(nothing, nothing)) == (None, 0)
    assert (iou({}, {}), hamming({}, {})) == (None, 0)


@pytest.mark.parametrize('other', [bits(a='11'), bits(a='11110000', c='1100')])
def test_masks_of_different_models_are_refused(other):
    with pytest.raises(ValueError, match='masks of one'):
        hamming(A, other)
    with pytest.raises(ValueError, match='masks of one'):
        hamming(A, A, within=other)


masks = st.integers(1, 12).flatmap(
    lambda n: st.tuples(*[st.lists(st.booleans(), min_size=n, max_size=n)] * 3)
)


@given(masks)
def test_laws(drawn):
    a, b, c = ({'w': torch.tensor(each)} for each in drawn)
    assert hamming(a, a) == 0
    assert hamming(a, b) == hamming(b, a)
    assert 0 <= hamming(a, b) <= 1
    assert hamming(a, c) <= hamming(a, b) + hamming(b, c) + 1e-9
    assert iou(a, b) == iou(b, a)
    assert iou(a, a) == (1 if any(drawn[0]) else None)
    result = iou(a, b)
    assert result is None or 0 <= result <= 1
    assert (hamming(a, b) == 0) == torch.equal(a['w'], b['w'])
    # Among the weights that either keeps, 1 - IoU is the share that differs.
    either = {'w': a['w'] | b['w']}
    assert hamming(a, b, either) == pytest.approx(0 if result is None else 1 - result)
