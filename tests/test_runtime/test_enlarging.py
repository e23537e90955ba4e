"""Upsampling gives what PyTorch's gives, bit for bit, and takes over what it can alone."""

import copy
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from mmlth import accelerate
from mmlth.runtime import enlarging
from mmlth.runtime import network as networks
from mmlth.runtime.compiler import kernel
from mmlth.runtime.enlarging import EnlargingForward, Upsample, enlarged, upsampling

FACTORS = st.sampled_from([1, 2, 4, 8])


@given(
    shape=st.tuples(*(2 * [st.integers(1, 3)] + 2 * [st.integers(1, 19)])),
    factors=st.tuples(FACTORS, FACTORS),
    by_size=st.booleans(),
    seed=st.integers(0, 99),
)
@settings(max_examples=100, deadline=None)
def test_the_same_as_pytorch(shape, factors, by_size, seed):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    x[0, 0, 0, 0] = torch.nan
    size = tuple(n * f for n, f in zip(shape[2:], factors))
    options = {'size': size} if by_size else {'scale_factor': tuple(map(float, factors))}
    expected, computed = functional.interpolate(x, **options), enlarged(x, **options)
    torch.testing.assert_close(computed, expected, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize(
    ('x', 'options'),
    [
        (torch.randn(1, 2, 4, 4), {'size': (9, 8)}),
        (torch.randn(1, 2, 4, 4), {'size': (2, 2)}),
        (torch.randn(1, 2, 4, 4), {'size': (12, 12)}),  # three times: PyTorch rounds
        (torch.randn(1, 2, 4, 4), {'scale_factor': 1.5}),
        (torch.randn(1, 2, 4, 4), {'scale_factor': 2, 'mode': 'bilinear'}),
        (torch.randn(1, 2, 4, 4), {'scale_factor': 2, 'mode': 'nearest-exact'}),
        (torch.randn(1, 2, 4, 4), {'scale_factor': 2.0, 'recompute_scale_factor': True}),
        (torch.randn(2, 4, 4), {'scale_factor': 2}),
        (torch.randn(1, 2, 4, 4).double(), {'scale_factor': 2}),
        (torch.randn(1, 2, 4, 4, requires_grad=True), {'scale_factor': 2}),
        (torch.randn(1, 2, 4, 4).to(memory_format=torch.channels_last), {'scale_factor': 2}),
        (torch.randn(0, 2, 4, 4), {'scale_factor': 2}),
        (torch.randn(1, 2, 4, 4), {'size': (8, 8), 'scale_factor': 2}),
        (torch.randn(1, 2, 4, 4), {'size': (8, 8, 8)}),
        (torch.randn(1, 2, 4, 4), {'size': torch.tensor([8, 8])}),
        (torch.randn(1, 2, 4, 4), {'scale_factor': float('inf')}),
        (torch.randn(1, 2, 4, 4), {'scale_factor': float('nan')}),
        (torch.randn(1, 2, 4, 4), {'scale_factor': 2, 'align_corners': False}),
        (torch.randn(1, 2, 4, 4), {}),
        (torch._neg_view(torch.randn(1, 2, 4, 4)), {'scale_factor': 2}),
    ],
)
def test_what_is_left_to_pytorch(x, options):
    assert enlarged(x, **options) is None


def test_modules(monkeypatch):
    x = torch.randn(1, 2, 5, 4)
    calls = []
    monkeypatch.setattr(enlarging, 'kernel', lambda: calls.append(0) or kernel())
    for given_module, count in (
        (nn.Upsample(scale_factor=2), 1),
        (nn.Upsample((10, 16)), 1),
        (nn.Upsample((7, 7)), 0),
        (nn.Upsample(scale_factor=2.0, recompute_scale_factor=True), 0),
    ):
        new = upsampling(given_module)
        assert torch.equal(new(x), given_module(x))
        assert len(calls) == count
        calls.clear()
    traced = torch.jit.trace(upsampling(nn.Upsample(scale_factor=2)), x)
    assert 'upsample_nearest2d' in str(traced.graph)
    assert upsampling(nn.Upsample(scale_factor=2, mode='bilinear')) is None
    assert upsampling(nn.Upsample((9, 9), mode='nearest-exact')) is None
    assert upsampling(nn.UpsamplingNearest2d(scale_factor=2)) is None


@pytest.mark.usefixtures('always_sparse')
def test_what_is_replaced_in_a_network(monkeypatch):
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.Upsample(scale_factor=2), Bilinear(), Patched(), Fixed()
    )
    network[3].forward = network[3].twice
    monkeypatch.setattr(networks, 'fastest_form', lambda s: 'new' if 'new' in s else 'sparse')
    fast = accelerate(network.eval(), (16, 16), show=None)
    assert fast.choice == 'sparse'
    assert type(fast.model[1]) is Upsample
    kinds = [type(module.__dict__.get('forward')).__name__ for module in fast.model[2:]]
    assert kinds == ['NoneType', 'method', 'EnlargingForward']
    x = torch.randn(1, 3, 16, 16)
    with torch.no_grad():
        torch.testing.assert_close(fast.model(x), network(x))


class Bilinear(nn.Module):
    """Upsamples in another way."""

    def forward(self, x):
        return functional.interpolate(x, scale_factor=2, mode='bilinear')


class Patched(nn.Module):
    """Has a forward of its own."""

    def twice(self, x):
        return functional.interpolate(x, scale_factor=2)


class Fixed(nn.Module):
    """Needs no self."""

    @staticmethod
    def forward(x):
        return functional.interpolate(x, scale_factor=2)


class Pyramid(nn.Module):
    """Adds upsampled maps, as FPN does, by a function."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, 2, 1)])

    def forward(self, x, factor=1.0):
        fine = self.layers[0](x)
        coarse = self.layers[1](fine)
        return fine + factor * functional.interpolate(coarse, size=fine.shape[2:], mode='nearest')


def pyramid():
    torch.manual_seed(0)
    network = nn.Sequential(Pyramid()).eval()
    for layer in network[0].layers:
        layer.weight.data[torch.rand_like(layer.weight) < 0.9] = 0
    return network


@pytest.mark.usefixtures('always_sparse')
def test_functions_in_the_code_of_modules(monkeypatch):
    calls = []

    def counted(*args, **options):
        calls.append(options)
        return enlarged(*args, **options)

    network, x = pyramid(), torch.randn(1, 3, 16, 16)
    expected = network(x)
    fast = accelerate(network, x, show=None)
    assert fast.choice == 'sparse'
    monkeypatch.setattr('mmlth.runtime.enlarging.enlarged', counted)
    pickled = pickle.loads(pickle.dumps(fast.model))  # noqa: S301
    with torch.no_grad():
        for model in (fast.model, copy.deepcopy(fast.model), pickled):
            torch.testing.assert_close(model(x), expected)
            assert model(torch.randn(1, 3, 9, 9)).shape == (1, 8, 9, 9)
    assert len(calls) == 6


def test_a_forward_keeps_its_arguments_and_what_it_returns():
    network, x = pyramid(), torch.randn(1, 3, 16, 16)
    module = network[0]
    with torch.no_grad():
        expected = module(x, factor=0.5)
        module.forward = EnlargingForward(module)
        torch.testing.assert_close(module(x, factor=0.5), expected)
        other = copy.deepcopy(network)
        other[0].layers[0].weight.zero_()
        assert not torch.equal(other(x), network(x))  # the copy runs by its own weights
        assert functional.interpolate(x, scale_factor=2).shape == (1, 3, 32, 32)
