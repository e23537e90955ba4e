"""Sizes in bytes by hand."""

import math

import pytest
import torch

from mmlth.analysis.cost import sizes, stored
from mmlth.analysis.cost.sizes import bitmask_bytes, entropy_bytes, sizes_in
from mmlth.pruning import Mask
from mmlth.ticket import Ticket, save_ticket


@pytest.fixture
def ticket():
    """20 masked numbers of 4 and 2 bytes, 7 of them kept; 7 others; a tied tensor."""
    a = torch.zeros(3, 4, dtype=torch.bool)
    a.view(-1)[:4] = True
    b = torch.zeros(8, dtype=torch.bool)
    b[5:] = True
    weights = {
        'a': torch.where(a, 1.5, 0.0),
        'b': torch.where(b, 1.5, 0.0).half(),
        'bias': torch.ones(6),
        'steps': torch.tensor(9),
    }
    weights['tied'] = weights['a']
    return Ticket(Mask({'a': a, 'b': b}), weights, {'note': 'x'})


def test_sizes_in_each_format(ticket):
    others = 6 * 4 + 8
    values = 4 * 4 + 3 * 2
    result = sizes(ticket.mask, ticket.weights)
    assert result.dense == 12 * 4 + 8 * 2 + others
    assert result.index_value == values + 7 * 4 + others
    assert result.bitmask == values + (2 + 1) + others
    p = 7 / 20
    bits = -20 * (p * math.log2(p) + (1 - p) * math.log2(1 - p))
    assert result.entropy == values + math.ceil(bits / 8) + others


def test_a_file_tells_the_same_without_its_weights(ticket, tmp_path):
    path = tmp_path / 'ticket.safetensors'
    save_ticket(ticket, path)
    kept = {name: int(mask.count_nonzero()) for name, mask in ticket.mask.items()}
    assert sizes_in(path, kept) == sizes(ticket.mask, ticket.weights)
    save_ticket(Ticket(ticket.mask, None), path)
    assert sizes_in(path, kept) is None


def test_a_mask_that_says_nothing_takes_nothing():
    assert entropy_bytes(Mask({'a': torch.ones(100, dtype=torch.bool)})) == 0
    assert entropy_bytes(Mask({})) == 0
    assert entropy_bytes(Mask({'a': torch.arange(16) < 8})) == 2
    nine = torch.arange(9) < 8
    assert bitmask_bytes(Mask({'a': nine, 'b': nine})) == 2 + 2  # filled up tensor by tensor


def test_a_break_even_of_index_and_value_at_half():
    half = torch.arange(64) < 32
    result = sizes(Mask({'a': half}), {'a': half.float()})
    assert result.index_value == result.dense


def test_a_file_by_what_it_holds(ticket, tmp_path):
    path = tmp_path / 'ticket.safetensors'
    save_ticket(ticket, path)
    plain = stored(path)
    assert plain.file == path.stat().st_size
    assert plain.mask + plain.weights + plain.initial + plain.rest == plain.file
    assert (plain.initial, plain.values) == (0, None)
    assert min(plain.mask, plain.weights, plain.rest) > 0

    ticket.initial = ticket.weights
    save_ticket(ticket, path, values='float16')
    both = stored(path)
    assert both.initial == both.weights < plain.weights
    assert (both.mask, both.values) == (plain.mask, 'float16')
