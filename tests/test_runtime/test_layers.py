"""Sparse layers as parts of a model: copied, pickled, and refused where they would be wrong."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn

from mmlth.runtime import AccelerationError, SparseConv2d, SparseLinear
from mmlth.runtime.activations import RELU
from mmlth.runtime.geometry import Geometry
from mmlth.runtime.layers import MOST_PLANS
from mmlth.runtime.plan import Tile, compiled_tiles


@pytest.fixture
def weight():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(4, 3, 3, 3, generator=generator) * (torch.arange(3) < 2)


@pytest.fixture
def layer(weight):
    tiles = {(8, 8): compiled_tiles()[0]}
    return SparseConv2d(weight, torch.arange(4.0), Geometry(padding=(1, 1)), tiles, RELU)


def pickled(layer):
    return pickle.loads(pickle.dumps(layer))  # noqa: S301


def dense(weight, x):
    return nn.functional.conv2d(x, weight, torch.arange(4.0), padding=1).relu()


@pytest.mark.parametrize(
    'again',
    [copy.deepcopy, pickled],
    ids=['copy', 'pickle'],
)
@pytest.mark.parametrize('ran', [False, True], ids=['fresh', 'after a run'])
def test_copies_compute_the_same(layer, again, ran):
    x = torch.randn(1, 3, 8, 8)
    if ran:
        layer(x)
    other = again(layer)
    assert torch.equal(other(x), layer(x))
    with torch.no_grad():
        other.bias += 1  # a copy has a bias of its own
    assert not torch.equal(other(x), layer(x))


def test_a_later_change_of_the_weight_has_no_effect(layer, weight):
    x, before = torch.randn(1, 3, 8, 8), weight.clone()
    weight.zero_()
    torch.testing.assert_close(layer(x), dense(before, x))


def test_inputs_of_any_size_batch_and_memory_format(layer, weight):
    for height, width in [(8, 8), (1, 1), (5, 70), (33, 17), (8, 9)]:
        for batch in (0, 1, 3):
            x = torch.randn(batch, 3, height, width)
            torch.testing.assert_close(layer(x), dense(weight, x))
            last = x.contiguous(memory_format=torch.channels_last)
            torch.testing.assert_close(layer(last), dense(weight, x))
            torch.testing.assert_close(layer(x.flip(3)), dense(weight, x.flip(3)))


def test_more_sizes_than_plans(layer, weight):
    for width in range(1, MOST_PLANS + 20):
        x = torch.randn(1, 3, 2, width)
        torch.testing.assert_close(layer(x), dense(weight, x))
    assert len(layer._plans) == MOST_PLANS


def test_a_changed_bias_is_noticed(layer, weight):
    x = torch.randn(1, 3, 8, 8)
    layer(x)
    layer.bias.data = torch.full((4,), -1e9)
    assert not layer(x).any()


@pytest.mark.parametrize(
    ('x', 'message'),
    [
        (
            torch.zeros(1, 3, 8, 8, dtype=torch.float64),
            'takes float32 on the CPU, without autocast, got torch.float64',
        ),
        (
            torch.zeros(1, 3, 8, 8).half(),
            'without autocast, got torch.float16',
        ),
        (
            torch.zeros(1, 3, 8, 8, device='meta'),
            'takes float32 on the CPU, without autocast, got torch.float32 on meta',
        ),
        (
            torch.zeros(1, 4, 8, 8),
            r'expects 3 input channels, got an input of shape \(1, 4, 8, 8\)',
        ),
        (torch.zeros(3, 8, 8), r'expects an input of 4 dimensions, got one of shape \(3, 8, 8\)'),
        (torch.zeros(1, 3, 8, 8, requires_grad=True), 'has no gradients; run it under'),
        (torch.zeros(1, 3, 0, 8), 'is smaller than the kernel of 3 × 3'),
    ],
)
def test_inputs_that_are_refused(layer, x, message):
    with pytest.raises(AccelerationError, match=message) as error:
        layer(x)
    assert '\n' not in str(error.value)


def test_what_is_added_must_have_the_shape_of_the_output(layer):
    with pytest.raises(AccelerationError, match=r'cannot add \(1, 4, 8, 1\) to an output of'):
        layer(torch.zeros(1, 3, 8, 8), torch.zeros(1, 4, 8, 1))


@pytest.mark.parametrize('dtype', [torch.float16, torch.float64])
def test_what_is_added_must_have_the_numbers_of_the_output(layer, dtype):
    with pytest.raises(AccelerationError, match=f'takes float32 on the CPU, .* got {dtype} on cpu'):
        layer(torch.zeros(1, 3, 8, 8), torch.zeros(1, 4, 8, 8, dtype=dtype))


def test_a_tile_that_this_machine_has_not_is_replaced(weight):
    """As of a pickle that comes from one with wider vectors."""
    x = torch.randn(1, 3, 8, 8)
    for together, slices in ((1, None), (4, 2)):
        foreign = Tile(64, 12, together, slices)
        layer = SparseConv2d(
            weight, torch.arange(4.0), Geometry(padding=(1, 1)), {(8, 8): foreign}, RELU
        )
        torch.testing.assert_close(layer(x), dense(weight, x), rtol=1e-4, atol=1e-5)


def test_training_saving_and_loading_are_refused(layer):
    network = nn.Sequential(layer)
    with pytest.raises(AccelerationError, match='cannot be trained; train the model that it was'):
        network.train()
    assert network.eval() is network
    with pytest.raises(AccelerationError, match='no state_dict'):
        network.state_dict()
    with pytest.raises(AccelerationError, match='cannot load weights'):
        network.load_state_dict({'0.bias': torch.zeros(4)}, strict=False)


def test_biases_of_another_shape_or_layout(layer, weight):
    x = torch.randn(1, 3, 8, 8)
    layer.bias.data = torch.arange(8.0)[::2] / 2
    torch.testing.assert_close(layer(x), dense(weight, x))
    layer.bias = nn.Parameter(torch.zeros(1), requires_grad=False)
    with pytest.raises(AccelerationError, match=r'has 4 biases, got \(1,\)'):
        layer(x)


def test_tracing_is_refused(layer):
    with pytest.raises(AccelerationError, match='cannot be traced, compiled or exported'):
        torch.jit.trace(layer, torch.zeros(1, 3, 8, 8))


def test_several_threads_on_one_layer(layer, weight):
    inputs = [torch.randn(1, 3, 5 + i % 40, 9) for i in range(200)]
    with ThreadPoolExecutor(4) as threads:
        for x, computed in zip(inputs, threads.map(layer, inputs)):
            torch.testing.assert_close(computed, dense(weight, x))


def test_sizes_share_what_is_alike(layer):
    linear = SparseLinear(
        torch.eye(7)[:, :, None, None], None, Geometry(), {(1, 8): compiled_tiles()[0]}
    )
    for count in range(1, 9):
        linear(torch.randn(count, 7))
    assert len({id(entries) for entries in linear._entries.values()}) == 1


def test_half_precision_of_the_whole_model_is_refused(layer):
    layer.half()
    with pytest.raises(AccelerationError, match='float32'):
        layer(torch.zeros(1, 3, 8, 8))


def test_density_and_weight(layer, weight):
    assert torch.equal(layer.weight, weight)
    assert layer.density == pytest.approx(2 / 3)
    assert 'density=0.667' in repr(layer)


def test_linear_layers_take_any_number_of_dimensions():
    weight = torch.randn(5, 7) * (torch.arange(7) < 3)
    layer = SparseLinear(weight[:, :, None, None], None, Geometry(), {(1, 8): compiled_tiles()[0]})
    for shape in [(7,), (4, 7), (2, 3, 7), (0, 7), (1000, 7)]:
        x = torch.randn(shape)
        torch.testing.assert_close(layer(x), nn.functional.linear(x, weight))
    with pytest.raises(AccelerationError, match='expects 7 input channels'):
        layer(torch.zeros(2, 6))
