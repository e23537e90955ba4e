"""Law 7 as far as it goes now: save then load returns every bit; a bad file is a named error."""

import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor

from mmlth import Mask, Ticket, load_ticket, save_ticket
from mmlth.pruning import masked
from mmlth.ticket import TicketError, load_tensors, save_tensors

DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
SPECIAL = [0.0, -0.0, float('nan'), float('inf'), -float('inf'), 1e-45, 1.0, -3.5]


def bits(tensor: Tensor) -> list[int]:
    """The tensor's bytes; unlike ``==`` this tells −0 from 0 and knows NaN."""
    return tensor.contiguous().view(-1).view(torch.uint8).tolist()


def assert_same(a: Ticket, b: Ticket) -> None:
    assert a.mask == b.mask
    assert list(a.weights) == list(b.weights)
    assert a.info == b.info
    for name, weight in a.weights.items():
        other = b.weights[name]
        assert (weight.dtype, weight.shape) == (other.dtype, other.shape)
        assert bits(weight) == bits(other), name


@given(st.data())
@settings(deadline=None, max_examples=50)
def test_every_bit_returns(tmp_path_factory, data):
    dtype = data.draw(st.sampled_from(DTYPES))
    shape = data.draw(st.lists(st.integers(0, 5), min_size=0, max_size=4))
    count = int(torch.tensor(shape).prod()) if shape else 1
    values = data.draw(st.lists(st.sampled_from(SPECIAL), min_size=count, max_size=count))
    kept = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
    mask = Mask({'w': torch.tensor(kept, dtype=torch.bool).reshape(shape)})
    weights = {
        'b': torch.tensor(SPECIAL, dtype=dtype),
        'w': torch.tensor(values, dtype=dtype).reshape(shape),
        'steps': torch.tensor(3),
    }
    ticket = Ticket(mask, masked(weights, mask), {'round': 1, 'metrics': {'AP': 0.1 + 0.2}})
    path = tmp_path_factory.mktemp('ticket') / 't.safetensors'
    save_ticket(ticket, path)
    assert_same(load_ticket(path), ticket)


def ticket() -> Ticket:
    torch.manual_seed(0)
    mask = Mask({'w': torch.rand(16, 8) < 0.2})
    weights = masked({'w': torch.randn(16, 8), 'bn.running_mean': torch.randn(16)}, mask)
    return Ticket(mask, weights, {'round': 2})


def test_equal_tickets_give_equal_bytes(tmp_path):
    for name in 'ab':
        save_ticket(ticket(), tmp_path / name)
    assert (tmp_path / 'a').read_bytes() == (tmp_path / 'b').read_bytes()


def test_surviving_zeros_survive(tmp_path):
    mask = Mask({'w': torch.tensor([True, True, False])})
    save_ticket(Ticket(mask, {'w': torch.tensor([0.0, 1.0, 0.0])}), tmp_path / 't')
    assert load_ticket(tmp_path / 't').mask['w'].tolist() == [True, True, False]


def test_a_sparse_ticket_is_small(tmp_path):
    mask = Mask({'w': torch.rand(1000, 100) < 0.1})
    save_ticket(Ticket(mask, masked({'w': torch.randn(1000, 100)}, mask)), tmp_path / 't')
    # A bit a weight and four bytes a survivor, beside the header.
    assert (tmp_path / 't').stat().st_size <= 100_000 / 8 + 4 * mask.kept + 1000


@pytest.mark.parametrize('dtype', DTYPES)
def test_layouts_and_types(tmp_path, dtype):
    weight = torch.randn(4, 3, 2, 2, dtype=dtype).to(memory_format=torch.channels_last)
    mask = Mask({'w': torch.rand(4, 3, 2, 2) < 0.5})
    save_ticket(Ticket(mask, masked({'w': weight}, mask)), tmp_path / 't')
    assert torch.equal(load_ticket(tmp_path / 't').weights['w'], weight * mask['w'])


def test_weights_that_are_pruned_but_not_zero_are_refused(tmp_path):
    mask = Mask({'w': torch.tensor([True, False])})
    for bad in (1e-30, float('nan')):
        with pytest.raises(ValueError, match='pruned but not zero'):
            save_ticket(Ticket(mask, {'w': torch.tensor([1.0, bad])}), tmp_path / 't')
    assert not (tmp_path / 't').exists()


@pytest.mark.parametrize(
    ('weights', 'message'),
    [({'w': torch.zeros(3)}, 'has shape'), ({'v': torch.zeros(2)}, 'the weights lack')],
)
def test_a_mask_of_other_weights_is_refused(tmp_path, weights, message):
    with pytest.raises(ValueError, match=message):
        save_ticket(Ticket(Mask({'w': torch.ones(2).bool()}), weights), tmp_path / 't')


def test_tied_weights_are_stored_once(tmp_path):
    big = torch.randn(1000)
    save_tensors(tmp_path / 't', {'a': big, 'b': big, 'c': big[:500]}, {})
    assert (tmp_path / 't').stat().st_size < 4 * 1500 + 500
    tensors, _ = load_tensors(tmp_path / 't')
    assert torch.equal(tensors['b'], big)
    assert torch.equal(tensors['c'], big[:500])


def test_damaged_files_are_named_errors(tmp_path):
    path = tmp_path / 't.safetensors'
    with pytest.raises(FileNotFoundError, match='does not exist'):
        load_ticket(path)
    save_ticket(ticket(), path)
    whole = path.read_bytes()
    for length in (0, 4, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(TicketError, match=str(path)):
            load_ticket(path)
    path.write_bytes(b'\x80\x04cos\nsystem\n.')  # a pickle
    with pytest.raises(TicketError, match='no safetensors file'):
        load_ticket(path)


def test_files_of_others_are_named_errors(tmp_path):
    path = tmp_path / 't.safetensors'
    save_file({'w': torch.ones(1)}, path)
    with pytest.raises(TicketError, match='mmlth did not write'):
        load_ticket(path)
    save_tensors(path, {}, {'format': 'mmlth-rewind'})
    with pytest.raises(TicketError, match='no ticket'):
        load_ticket(path)
    save_tensors(path, {}, {'format': 'mmlth-ticket', 'version': 99})
    with pytest.raises(TicketError, match='version 99'):
        load_ticket(path)
    header = {'format': 'mmlth-ticket', 'version': 1, 'order': ['w'], 'shapes': {'w': [2]}}
    wrong = {'mask/w': torch.tensor([3], dtype=torch.uint8), 'values/w': torch.ones(1)}
    save_tensors(path, wrong, {**header, 'ticket': {}})
    with pytest.raises(TicketError, match='damaged'):
        load_ticket(path)
    save_file({}, path, metadata={'mmlth': json.dumps({'info': {}, 'same_as': {'a': 'b'}})})
    with pytest.raises(TicketError, match='lacks'):
        load_tensors(path)
