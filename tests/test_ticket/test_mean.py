"""The mean of tickets: by hand, exact where it can be, and refused where there is none."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from kit import bits

from mmlth.pruning import Mask, masked
from mmlth.ticket import Ticket, TicketMismatchError, load_ticket, mean_of, save_ticket

TYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


def ticket(weights, mask=None, **others):
    weight = torch.tensor(weights)
    kept = torch.ones(weight.shape, dtype=torch.bool) if mask is None else torch.tensor(mask)
    return Ticket(Mask({'fc.weight': kept}), {'fc.weight': weight, **others})


def named(*tickets):
    return [(f'{number}.safetensors', each) for number, each in enumerate(tickets)]


def test_two_weights_by_hand():
    mask = [True, True, False]
    mean = mean_of(named(ticket([1.0, -3.0, 0.0], mask), ticket([2.0, 5.0, 0.0], mask)))
    assert mean.weights['fc.weight'].tolist() == [1.5, 1.0, 0.0]
    assert mean.mask == ticket([1.0, 1.0, 1.0], mask).mask
    assert mean.unequal == {'fc.weight'}


def test_sums_are_longer_than_the_weights():
    """In float32, 1 + 2^-24 + 2^-24 is 1, and in float16 65,504 is the largest number."""
    small = 2.0**-24
    mean = mean_of(named(*(ticket([value]) for value in (1.0, small, small))))
    assert mean.weights['fc.weight'].tolist() == torch.tensor([(1 + 2 * small) / 3]).tolist()
    large = named(*(ticket([value]) for value in (65504.0, 65440.0)))
    for _, each in large:
        each.weights['fc.weight'] = each.weights['fc.weight'].half()
    weight = mean_of(large).weights['fc.weight']
    assert (weight.dtype, float(weight)) == (torch.float16, 65472.0)


@given(
    count=st.integers(2, 5),
    seed=st.integers(0, 10**6),
    dtype=st.sampled_from(TYPES),
    same=st.booleans(),
)
def test_laws_of_the_mean(count, seed, dtype, same):
    generator = torch.Generator().manual_seed(seed)
    kept = torch.rand(7, 3, generator=generator) < 0.5
    mask = Mask({'fc.weight': kept})
    states = []
    for _ in range(count):
        if not (same and states):
            state = {
                'fc.weight': torch.randn(7, 3, generator=generator, dtype=torch.float64).to(dtype),
                'fc.bias': torch.randn(3, generator=generator, dtype=torch.float64).to(dtype),
            }
        states.append(masked(state, mask))
    mean = mean_of(named(*(Ticket(mask, state) for state in states)))
    assert mean.mask == mask
    for name, tensor in mean.weights.items():
        assert tensor.dtype == dtype
        if same:  # of itself, whatever its numbers
            assert bits(tensor) == bits(states[0][name])
        lowest, highest = (
            getattr(torch.stack([state[name] for state in states]), kind)(0).values
            for kind in ('min', 'max')
        )
        assert ((lowest <= tensor) & (tensor <= highest)).all()
    assert bits(mean.weights['fc.weight'][~kept]) == [0] * (int((~kept).sum()) * dtype.itemsize)
    assert mean.unequal == (set() if same else {'fc.weight', 'fc.bias'})


def test_what_all_share_stays_bit_for_bit():
    """Zeros with a sign, constants that are infinite, whole numbers."""
    constant = torch.tensor([-0.0, float('-inf'), 0.1])
    shared = {'constant': constant, 'index': torch.tensor([3, 1])}
    mean = mean_of(named(*(ticket([value], **shared) for value in (0.1, 0.2, 0.3))))
    assert bits(mean.weights['constant']) == bits(constant)
    assert mean.weights['index'].tolist() == [3, 1]
    assert mean.unequal == {'fc.weight'}


def test_names_of_one_tensor_stay_names_of_one(tmp_path):
    paths = []
    for number in (1.0, 2.0):
        table = torch.full((2, 2), number)
        paths.append(tmp_path / f'{number}.safetensors')
        save_ticket(ticket([number], first=table, second=table), paths[-1])
    mean = mean_of((str(path), load_ticket(path)) for path in paths)
    assert mean.weights['first'] is mean.weights['second']
    assert mean.weights['first'].tolist() == [[1.5, 1.5]] * 2


@pytest.mark.parametrize(
    ('second', 'message'),
    [
        (ticket([1.0, 2.0, 0.0], [True, True, False]), '2 of 3 weights are kept by one of them'),
        (Ticket(Mask({'fc.weight': torch.ones(3, dtype=torch.bool)}), None), 'without trained'),
        (ticket([1.0, 0.0]), r'of another model.*: fc.weight float32 \(2,\) and float32 \(3,\)'),
        (ticket([1.0, 2.0, 3.0], bias=torch.ones(1)), r'bias float32 \(1,\) and absent'),
        (Ticket(Mask({}), {'fc.weight': torch.ones(3)}), 'only one of them has a mask of fc.wei'),
        (ticket([1.0, 0.0, float('nan')], [True, False, True]), 'holds NaN in fc.weight'),
        (ticket([1.0, 0.0, float('inf')], [True, False, True]), 'infinite numbers in fc.weight'),
    ],
)
def test_what_has_no_mean(second, message):
    first = ticket([1.0, 0.0, 3.0], [True, False, True])
    with pytest.raises(TicketMismatchError, match=message) as error:
        mean_of(named(first, second))
    assert str(error.value).startswith('1.safetensors ')
    assert '\n' not in str(error.value)


def test_the_first_layer_that_differs_is_told():
    kept = torch.ones(4, dtype=torch.bool)
    other = torch.tensor([True, False, True, True])
    masks = [{'a': kept, 'b': kept, 'c': kept}, {'a': kept, 'b': other, 'c': other}]
    state = {name: torch.zeros(4) for name in 'abc'}
    with pytest.raises(TicketMismatchError, match=r'2 of 12 .* in 2 of 3 layers, the first .* b;'):
        mean_of(named(*(Ticket(Mask(mask), state) for mask in masks)))
