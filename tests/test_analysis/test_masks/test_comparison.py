"""What changed from one ticket to another, by hand."""

import pytest
import torch

from mmlth.analysis import compare_tickets
from mmlth.pruning import Mask
from mmlth.ticket import Ticket, TicketMismatchError


def ticket(weights=None, **masks):
    bits = {name: torch.tensor([c == '1' for c in text]) for name, text in masks.items()}
    return Ticket(Mask(bits), weights)


def test_layers_side_by_side():
    result = compare_tickets(ticket(a='11110000', b='1100'), ticket(a='01100000', b='0010'))
    a, b = result.layers
    assert (a.densities, a.iou) == ((4 / 8, 2 / 8), 2 / 4)
    # Independent masks share 8 · 1/2 · 1/4 = 1 weight and keep 4 + 2 - 1 = 5 between them.
    assert a.chance_iou == pytest.approx(1 / 5)
    assert (b.iou, b.chance_iou) == (0, pytest.approx(0.5 / 2.5))
    assert (result.iou, result.hamming) == (2 / 7, 5 / 12)
    assert result.chance_iou == pytest.approx(1.5 / 7.5)
    assert (result.nested, result.revived) == (False, 1)


def test_the_chance_value_at_equal_densities():
    (pair,) = compare_tickets(ticket(a='1010100000'), ticket(a='0101010000')).layers
    assert pair.chance_iou == pytest.approx(0.3 / (2 - 0.3))


def test_nesting_goes_from_the_second_to_the_first():
    large, small = ticket(a='1110'), ticket(a='0100')
    assert compare_tickets(large, small).nested
    assert not compare_tickets(small, large).nested


def test_masks_that_keep_nothing_have_no_iou():
    (pair,) = (result := compare_tickets(ticket(a='00'), ticket(a='00'))).layers
    assert (pair.iou, pair.chance_iou, result.iou, result.chance_iou) == (None,) * 4


def test_a_weight_that_only_one_ticket_masks_is_whole_in_the_other():
    narrow = ticket({'a': torch.ones(2), 'b': torch.ones(4)}, a='10')
    wide = ticket({'a': torch.ones(2), 'b': torch.ones(4)}, a='10', b='1000')
    pairs = {pair.name: pair.densities for pair in compare_tickets(narrow, wide).layers}
    assert pairs == {'a': (0.5, 0.5), 'b': (1.0, 0.25)}


def test_tickets_of_different_models_are_told_both_ways_in_one_line():
    one, other = ticket(a='1', b='11', c='1'), ticket(b='111', d='1')
    with pytest.raises(TicketMismatchError) as raised:
        compare_tickets(one, other)
    message = str(raised.value)
    assert 'ticket 1 masks 2 parameters that ticket 2 lacks (a, c)' in message
    assert 'ticket 2 masks 1 parameters that ticket 1 lacks (d)' in message
    assert '1 parameters differ in shape (b: 2 and 3)' in message
    assert '\n' not in message
