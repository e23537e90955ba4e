"""Law 7: save then load returns every bit."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from kit import bits

from mmlth import Mask, Ticket, load_ticket, save_ticket
from mmlth.pruning import masked
from mmlth.ticket import (
    DamagedTicketError,
    TicketMismatchError,
    index,
    load_info,
    load_mask,
    load_tensors,
    save_tensors,
    weights_hash,
    with_initial,
)
from mmlth.ticket.load import read_index

DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
SPECIAL = [0.0, -0.0, float('nan'), float('inf'), -float('inf'), 1e-45, 1.0, -3.5]


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
    if data.draw(st.booleans()):
        ticket.initial = masked({name: weight * 2 for name, weight in weights.items()}, mask)
    path = tmp_path_factory.mktemp('ticket') / 't.safetensors'
    save_ticket(ticket, path)
    loaded = load_ticket(path)
    assert_same(loaded, ticket)
    assert (loaded.initial is None) == (ticket.initial is None)
    if ticket.initial is not None:
        assert_same(
            replace(loaded, weights=loaded.initial), replace(ticket, weights=ticket.initial)
        )


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
    for bad in (1e-30, float('nan'), -0.0):
        with pytest.raises(ValueError, match='pruned but not'):
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


def test_large_tensors_are_cut_into_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr(index, 'CHUNK', 64)
    monkeypatch.setattr(index, '_POOL', 16)
    torch.manual_seed(0)
    mask = Mask({'a': torch.rand(7, 30) < 0.3, 'c': torch.rand(3) < 0.5, 'd': torch.rand(150) < 2})
    shapes = {'a': (7, 30), 'b': (200,), 'c': (3,), 'd': (150,), 'e': (5,)}
    weights = {name: torch.randn(shape) for name, shape in shapes.items()}
    large = Ticket(mask, masked(weights, mask))
    save_ticket(large, tmp_path / 't')
    assert len(read_index(tmp_path / 't').chunks) == 12
    assert_same(load_ticket(tmp_path / 't'), large)


def test_what_a_ticket_says_of_itself_returns(tmp_path):
    info = {'classes': ('a', 'b'), 'sigmas': np.array([0.1, 0.2], np.float32), 'note': 'é'}
    save_ticket(replace(ticket(), info=info), tmp_path / 't')
    for result in (load_ticket(tmp_path / 't').info, load_info(tmp_path / 't')):
        assert result['classes'] == ('a', 'b')
        assert result['note'] == 'é'
        assert result['sigmas'].dtype == np.float32
        assert result['sigmas'].tolist() == info['sigmas'].tolist()


def test_tied_weights_stay_tied(tmp_path):
    shared = torch.randn(100_000)
    untied = {'a': shared, 'b': shared.clone()}
    save_ticket(Ticket(Mask({}), untied), tmp_path / 'untied')
    save_ticket(Ticket(Mask({}), {'a': shared, 'b': shared}), tmp_path / 'tied')
    assert (tmp_path / 'tied').stat().st_size < 0.6 * (tmp_path / 'untied').stat().st_size
    weights = load_ticket(tmp_path / 'tied').state_dict()
    assert weights['a'].data_ptr() == weights['b'].data_ptr()
    mask = Mask({'a': torch.rand(100_000) < 0.5})
    shared = shared.masked_fill(~mask['a'], 0)
    save_ticket(Ticket(mask, {'b': shared, 'a': shared}), tmp_path / 'masked')
    assert_same(load_ticket(tmp_path / 'masked'), Ticket(mask, {'b': shared, 'a': shared}))


@pytest.mark.parametrize('values', ['float16', 'bfloat16'])
def test_lossy_values_are_rounded_and_labelled(tmp_path, values):
    original = ticket()
    save_ticket(original, tmp_path / 't', values=values)
    loaded = load_ticket(tmp_path / 't')
    assert read_index(tmp_path / 't').values == values
    assert loaded.mask == original.mask
    rounded = original.weights['w'].to(getattr(torch, values)).float()
    assert torch.equal(loaded.weights['w'], rounded)
    assert not torch.equal(rounded, original.weights['w'])
    assert torch.equal(loaded.weights['bn.running_mean'], original.weights['bn.running_mean'])


def test_lossy_values_out_of_range_are_refused(tmp_path):
    mask = Mask({'w': torch.tensor([True])})
    with pytest.raises(TicketMismatchError, match=r"too large for float16.*values='bfloat16'"):
        save_ticket(Ticket(mask, {'w': torch.tensor([7e4])}), tmp_path / 't', values='float16')
    with pytest.raises(ValueError, match="'float16', 'bfloat16' or None, got 'int8'"):
        save_ticket(ticket(), tmp_path / 't', values='int8')
    assert not (tmp_path / 't').exists()


def test_a_mask_alone_is_a_ticket(tmp_path):
    save_ticket(Ticket(ticket().mask, None, {'round': 2}), tmp_path / 't')
    loaded = load_ticket(tmp_path / 't')
    assert loaded.mask == ticket().mask
    with pytest.raises(TicketMismatchError, match='a mask without trained weights'):
        loaded.state_dict()


def test_initial_weights_come_from_the_rewind_file(tmp_path):
    theta = {'w': torch.randn(16, 8), 'bn.running_mean': torch.randn(16)}
    save_tensors(tmp_path / 'rewind', {f'weights/{name}': t for name, t in theta.items()}, {})
    trained = ticket()
    with pytest.raises(TicketMismatchError, match='came without the weights that it starts from'):
        trained.initial_state_dict()
    trained.info['rewind'] = {'weights_sha256': weights_hash(theta)}
    whole = with_initial(trained, tmp_path / 'rewind')
    save_ticket(whole, tmp_path / 't')
    initial = load_ticket(tmp_path / 't').initial_state_dict()
    assert torch.equal(initial['w'], theta['w'].masked_fill(~trained.mask['w'], 0))
    assert torch.equal(initial['bn.running_mean'], theta['bn.running_mean'])
    trained.info['rewind'] = {'weights_sha256': 'of another'}
    with pytest.raises(TicketMismatchError, match='rewind file of its own search'):
        with_initial(trained, tmp_path / 'rewind')
    for odd in ('x', ['x'], 3, {1: 2}):
        trained.info['rewind'] = odd
        with pytest.raises(DamagedTicketError, match='a ticket has values by name as rewind, got'):
            with_initial(trained, tmp_path / 'rewind')
    for odd in ({}, None, {'weights_sha256': 3}):
        trained.info['rewind'] = odd
        with pytest.raises(TicketMismatchError, match='rewind file of its own search'):
            with_initial(trained, tmp_path / 'rewind')


@pytest.mark.parametrize('info', [{'n': 'a' * 2_000_000}, {'n': np.zeros(600_000, np.uint8)}])
def test_what_a_reader_would_refuse_is_not_written(tmp_path, info):
    with pytest.raises(ValueError, match='more than a reader would accept'):
        save_ticket(replace(ticket(), info=info), tmp_path / 't')
    assert not (tmp_path / 't').exists()


def test_empty_arrays_and_names_with_slashes(tmp_path):
    info = {'sigmas': np.array([]), 'a': {'b': np.ones(1)}, 'a/b': np.zeros(2), 't': torch.ones(0)}
    save_ticket(replace(ticket(), info=info), tmp_path / 't')
    loaded = load_info(tmp_path / 't')
    assert loaded['sigmas'].shape == loaded['t'].shape == (0,)
    assert loaded['a']['b'].tolist() == [1]
    assert loaded['a/b'].tolist() == [0, 0]


def endless():
    items = []
    items.append(items)
    return items


@pytest.mark.parametrize(
    'odd',
    [
        torch.ones(2, dtype=torch.complex128),
        torch.ones(2, dtype=torch.uint16),
        torch.ones(2).to_sparse(),
        torch.ones(2, device='meta'),
        {1, 2},
        endless(),
    ],
)
def test_what_a_ticket_cannot_say_is_not_written(tmp_path, odd):
    with pytest.raises(TypeError, match='cannot store'):
        save_ticket(replace(ticket(), info={'odd': odd}), tmp_path / 't')
    assert not (tmp_path / 't').exists()


@pytest.mark.parametrize('name', ['masked', 'plain'])
def test_tensors_with_the_names_of_codings(tmp_path, name):
    shared = torch.randn(5)
    save_ticket(Ticket(Mask({}), {name: shared, 'y': shared}), tmp_path / 't')
    weights = load_ticket(tmp_path / 't').state_dict()
    assert torch.equal(weights[name], shared)
    assert torch.equal(weights['y'], shared)


def test_the_mask_may_lie_on_the_second_of_tied_names(tmp_path):
    mask = Mask({'b': torch.rand(5000) < 0.5})
    shared = masked({'b': torch.randn(5000)}, mask)['b']
    save_ticket(Ticket(mask, {'a': shared, 'b': shared}), tmp_path / 't')
    weights = load_ticket(tmp_path / 't').state_dict()
    assert list(weights) == ['a', 'b']
    assert weights['a'].data_ptr() == weights['b'].data_ptr()
    assert torch.equal(weights['a'], shared)


def test_a_rounded_ticket_stays_labelled_until_it_changes(tmp_path):
    save_ticket(ticket(), tmp_path / 't', values='float16')
    rounded = load_ticket(tmp_path / 't')
    save_ticket(rounded, tmp_path / 'again')
    assert load_ticket(tmp_path / 'again').values == 'float16'
    assert (tmp_path / 'again').read_bytes() == (tmp_path / 't').read_bytes()
    trained = {name: weight * 1.001 for name, weight in rounded.weights.items()}
    save_ticket(replace(rounded, weights=masked(trained, rounded.mask)), tmp_path / 'trained')
    loaded = load_ticket(tmp_path / 'trained')
    assert loaded.values is None
    assert torch.equal(loaded.weights['w'], masked(trained, rounded.mask)['w'])


def test_half_weights_are_not_rounded_to_another_half(tmp_path):
    mask = Mask({'w': torch.ones(4).bool()})
    weights = {'w': torch.randn(4).half()}
    save_ticket(Ticket(mask, weights), tmp_path / 't', values='bfloat16')
    assert torch.equal(load_ticket(tmp_path / 't').weights['w'], weights['w'])


def test_types_of_8_bits_and_conjugates(tmp_path):
    mask = Mask({'w': torch.tensor([True, False, True])})
    weights = masked({'w': torch.tensor([1.0, 2.0, 3.0]).to(torch.float8_e5m2)}, mask)
    weights['c'] = torch.tensor([1 + 2j]).conj()
    save_ticket(Ticket(mask, weights), tmp_path / 't')
    loaded = load_ticket(tmp_path / 't').weights
    assert loaded['w'].float().tolist() == [1, 0, 3]
    assert loaded['c'].tolist() == [1 - 2j]


def test_a_default_device_changes_nothing(tmp_path):
    save_ticket(ticket(), tmp_path / 't')
    with torch.device('meta'):
        loaded = load_ticket(tmp_path / 't')
    assert_same(loaded, ticket())


def test_large_masks_are_read(tmp_path):
    kept = torch.ones(1, dtype=torch.bool).expand(17_000, 17_000)
    save_ticket(Ticket(Mask({'w': kept}), None), tmp_path / 't')
    assert load_ticket(tmp_path / 't').mask.kept == 17_000**2


@pytest.mark.parametrize('weights', [True, False])
def test_the_mask_alone(tmp_path, weights):
    mask = Mask({'w': torch.arange(5000) % 7 == 0, 'v': torch.ones(3, 2, dtype=torch.bool)})
    state = {'b': torch.ones(4), **{n: torch.rand(m.shape) * m for n, m in mask.items()}}
    path = tmp_path / 'ticket.safetensors'
    save_ticket(Ticket(mask, state if weights else None), path)
    assert load_mask(path) == mask
    assert list(load_mask(path)) == list(load_ticket(path).mask)


def test_the_mask_alone_of_a_file_whose_mask_is_damaged(tmp_path):
    path = tmp_path / 'ticket.safetensors'
    mask = Mask({'w': torch.arange(5000) % 7 == 0})
    save_ticket(Ticket(mask, {'w': torch.rand(5000) * mask['w']}), path)
    whole = path.read_bytes()
    frames = read_index(path).chunks[0].frames  # they end the file
    middle = len(whole) - sum(frame.length for frame in frames) + frames[0].length // 2
    path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    with pytest.raises(DamagedTicketError, match='checksum'):
        load_mask(path)
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))  # of a weight
    assert load_mask(path) == mask
    with pytest.raises(DamagedTicketError, match='checksum'):
        load_ticket(path)
