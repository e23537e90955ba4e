"""Sparse layers compute what PyTorch's do in double precision, whatever their form and input."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mmlth.runtime import SparseConv2d, SparseLinear
from mmlth.runtime import enlarging as enlargings
from mmlth.runtime import plan as plans
from mmlth.runtime import pooling as poolings
from mmlth.runtime.activations import CLAMP, HARD_SWISH, IDENTITY, LEAKY, RELU, SILU, Activation
from mmlth.runtime.compiler import kernel, native_flags
from mmlth.runtime.geometry import Geometry
from mmlth.runtime.packing import pack

ACTIVATIONS = (
    IDENTITY,
    RELU,
    Activation(CLAMP, -0.5, 6.0),
    Activation(LEAKY, 0.1),
    Activation(SILU),
    Activation(HARD_SWISH),
)
FORMS = [
    {'slices': slices, 'strip': strip}
    for slices in (None, 1, 2, 7)
    for strip in (None, 1, 3, 8, 32)
]
"""Sizes of blocks, and widths of strips."""
INSTRUCTIONS = {
    'this machine': None,
    'AVX2': ('-mavx2', '-mfma', '-fopenmp'),
    'SSE2': ('-msse2', '-fopenmp'),  # vectors of four numbers, as on ARM
}


def activated(activation, x):
    """In double precision; written down anew, since `Activation` is what is tested."""
    match activation.kind:
        case 1:
            return x.clamp(activation.low, activation.high)
        case 2:
            return F.leaky_relu(x, activation.low)
        case 3:
            return x * torch.sigmoid(x)
        case 4:
            return x * (x + 3).clamp(0, 6) / 6
    return x


@st.composite
def cases(draw, largest=40):
    """A weight, a geometry, a size and a batch whose output has at least one pixel."""
    side, small = st.integers(1, largest), st.integers(1, 3)
    pair = st.tuples
    reach = draw(pair(st.integers(1, 5), st.integers(1, 5)))
    geometry = Geometry(
        draw(pair(small, small)),
        draw(pair(st.integers(0, 5), st.integers(0, 5))),
        draw(pair(small, small)),
    )
    least = [
        max(1, dilation * (extent - 1) + 1 - 2 * padding)
        for dilation, extent, padding in zip(geometry.dilation, reach, geometry.padding)
    ]
    size = draw(side) + least[0] - 1, draw(side) + least[1] - 1
    shape = draw(st.integers(1, 13)), draw(st.integers(1, 9)), *reach
    return shape, geometry, size, draw(st.integers(0, 3))


densities = st.sampled_from((0.0, 0.02, 0.2, 0.5, 1.0))


def weights(shape, density, seed):
    generator = torch.Generator().manual_seed(seed)
    kept = torch.rand(shape, generator=generator) < density
    return torch.randn(shape, generator=generator) * kept, generator


@pytest.mark.parametrize('instructions', INSTRUCTIONS)
@pytest.mark.parametrize('small', [False, True])
@given(data=st.data(), case=cases(), density=densities, seed=st.integers(0, 99))
@settings(max_examples=100, deadline=None)
def test_convolutions(instructions, small, data, case, density, seed):
    with built_for(INSTRUCTIONS[instructions], small):
        tiles = plans.compiled_tiles()
        tile = data.draw(st.sampled_from(tiles))
        tile = replace(tile, **data.draw(st.sampled_from(FORMS)))
        check_convolution(
            case,
            weights(case[0], density, seed),
            tile,
            data.draw(st.sampled_from(ACTIVATIONS)),
            data.draw(st.booleans()),
            data.draw(st.integers(1, 3)),
        )


def check_convolution(case, weight_and_generator, tile, activation, adds, threads):
    shape, geometry, size, batch = case
    weight, generator = weight_and_generator
    x = torch.randn(batch, shape[1], *size, generator=generator)
    bias = torch.randn(shape[0], generator=generator)
    layer = SparseConv2d(weight, bias, geometry, {size: tile}, activation)
    expected = F.conv2d(
        x.double(),
        weight.double(),
        bias.double(),
        geometry.stride,
        geometry.padding,
        geometry.dilation,
    )
    other = torch.randn(expected.shape, generator=generator) if adds else None
    expected = activated(activation, expected if other is None else expected + other)
    with with_threads(threads):
        computed = layer(x, other)
    torch.testing.assert_close(computed.double(), expected, rtol=1e-5, atol=1e-4)


@given(
    vectors=st.lists(st.integers(0, 5), min_size=0, max_size=2),
    features=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    density=densities,
    activation=st.sampled_from(ACTIVATIONS),
    data=st.data(),
)
@settings(max_examples=100, deadline=None)
def test_linear_layers(vectors, features, density, activation, data):
    tile = data.draw(st.sampled_from(plans.compiled_tiles()))
    weight, generator = weights(features, density, 0)
    x = torch.randn(*vectors, features[1], generator=generator)
    bias = torch.randn(features[0], generator=generator)
    layer = SparseLinear(weight[:, :, None, None], bias, Geometry(), {(1, 8): tile}, activation)
    expected = activated(activation, F.linear(x.double(), weight.double(), bias.double()))
    with with_threads(data.draw(st.integers(1, 2))):
        torch.testing.assert_close(layer(x).double(), expected, rtol=1e-5, atol=1e-4)


def test_one_weight_by_hand():
    weight = torch.zeros(1, 1, 3, 3)
    weight[0, 0, 0, 2] = 2.0  # the pixel above, to the right
    layer = SparseConv2d(
        weight, torch.tensor([10.0]), Geometry(padding=(1, 1)), {(2, 3): plans.compiled_tiles()[0]}
    )
    x = torch.tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]])
    assert layer(x).tolist() == [[[[10.0, 10.0, 10.0], [14.0, 16.0, 10.0]]]]


@pytest.mark.parametrize('activation', ACTIVATIONS)
@pytest.mark.parametrize('pixels', [2, 40])  # fewer than a vector, and more
def test_nan_and_infinity_stay(activation, pixels):
    tile = plans.compiled_tiles()[0]
    layer = SparseConv2d(torch.ones(1, 1, 1, 1), None, Geometry(), {(1, pixels): tile}, activation)
    x = torch.tensor([torch.nan, torch.inf]).repeat(pixels // 2)
    computed = layer(x[None, None, None]).flatten()
    assert computed[::2].isnan().all()
    assert torch.equal(computed[1::2], activated(activation, x[1::2]))


@pytest.mark.parametrize('activation', ACTIVATIONS)
def test_activations_far_from_zero(activation):
    x = torch.tensor(
        [-3e38, -1e30, -200.0, -88.5, -20.0, -1e-3, 0.0, 1e-3, 20.0, 88.5, 200.0, 1e30, 3e37]
    )
    layer = SparseConv2d(
        torch.ones(1, 1, 1, 1),
        None,
        Geometry(),
        {(1, 13): plans.compiled_tiles()[0]},
        activation,
    )
    expected = activated(activation, x.double())
    torch.testing.assert_close(
        layer(x[None, None, None])[0, 0, 0].double(), expected, atol=1e-6, rtol=1e-5
    )
    torch.testing.assert_close(activation(x.clone()).double(), expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize('offset', [0, 1, 4])
def test_large_outputs_may_begin_anywhere(monkeypatch, offset):
    monkeypatch.setattr(plans, 'STREAMED_BYTES', 0)
    weight, generator = weights((5, 3, 1, 1), 0.5, 0)
    size, tile = (16, 8), plans.Tile(plans.compiled_tiles()[0].lanes, 2)
    plan = plans.Plan(pack(weight, Geometry()), weight.shape, Geometry(), size, tile, IDENTITY, {})
    x, bias = torch.randn(1, 3, *size, generator=generator), torch.zeros(5)
    memory = torch.full((offset + 5 * 128 + 1,), torch.nan)
    plan(x, bias, memory[offset:-1].view(1, 5, *size))
    torch.testing.assert_close(memory[offset:-1].view(1, 5, *size), F.conv2d(x, weight))
    assert memory[:offset].isnan().all()
    assert memory[-1].isnan()


@pytest.mark.parametrize('slices', [1, 100, 768, 100_000])
@pytest.mark.parametrize(('width', 'halo'), [(96, 0), (128, 16), (64, 256)])
def test_a_stretch_fits_in_the_cache_unless_most_of_it_were_halo(slices, width, halo):
    stretch = plans._stretch(2**20, width, slices, halo, 1)
    assert stretch % width == 0
    fits = 4 * slices * (stretch + halo) <= plans.BYTES_OF_COPIES
    assert fits or stretch <= max(2 * halo, width)
    assert stretch > 2 * halo - width


def test_threads_do_not_change_a_bit():
    weight, generator = weights((24, 16, 3, 3), 0.2, 0)
    x = torch.randn(2, 16, 31, 33, generator=generator)
    tile = plans.Tile(plans.compiled_tiles()[0].lanes, 4, 1, 8)
    layer = SparseConv2d(weight, None, Geometry(padding=(1, 1)), {(31, 33): tile})
    results = []
    for count in (1, 2, 5):
        with with_threads(count):
            results.append(layer(x))
    assert all(torch.equal(results[0], result) for result in results)


class built_for:  # noqa: N801
    """Layers use the kernel that these flags give; ``small``: as if caches were tiny."""

    def __init__(self, flags, small=False):
        self.flags = flags
        self.small = small

    def __enter__(self):
        self.patch = pytest.MonkeyPatch()
        if self.small:
            self.patch.setattr(plans, 'BYTES_OF_COPIES', 4096)
            self.patch.setattr(plans, 'STREAMED_BYTES', 0)
        if self.flags is not None:
            self.patch.setattr(plans, 'kernel', lambda: kernel(self.flags))

    def __exit__(self, *_):
        self.patch.undo()


class with_threads:  # noqa: N801
    """torch computes with so many threads."""

    def __init__(self, count):
        self.count = count

    def __enter__(self):
        self.before = torch.get_num_threads()
        torch.set_num_threads(self.count)

    def __exit__(self, *_):
        torch.set_num_threads(self.before)


def library(name):
    """A library of the compiler's own."""
    command = ['c++', f'-print-file-name={name}']
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    return done.stdout.strip()


@pytest.mark.slow
@pytest.mark.parametrize('instructions', ['native', 'AVX2'])
def test_sanitizers_find_nothing(instructions):
    """The same cases in a process whose memory accesses and arithmetic are watched."""
    flags = native_flags() if instructions == 'native' else ('-mavx2', '-mfma', '-fopenmp')
    flags = (*flags, '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all')
    environment = {
        **os.environ,
        'LD_PRELOAD': f'{library("libasan.so")} {library("libubsan.so")}',
        'ASAN_OPTIONS': 'detect_leaks=0',
        'MMLTH_TEST_FLAGS': ' '.join(flags),
        'PYTHONPATH': os.pathsep.join(sys.path),
    }
    done = subprocess.run(  # noqa: S603
        [sys.executable, __file__], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert '1200 cases' in done.stdout


def watched():
    """What `test_sanitizers_find_nothing` runs."""
    flags = tuple(os.environ['MMLTH_TEST_FLAGS'].split())
    count = 0

    @given(data=st.data(), case=cases(24), density=densities, seed=st.integers(0, 99))
    @settings(max_examples=600, deadline=None, database=None)
    def run(data, case, density, seed):
        nonlocal count
        count += 1
        tile = data.draw(st.sampled_from(plans.compiled_tiles()))
        tile = replace(tile, **data.draw(st.sampled_from(FORMS)))
        activation, adds = data.draw(st.sampled_from(ACTIVATIONS)), data.draw(st.booleans())
        check_convolution(
            case,
            weights(case[0], density, seed),
            tile,
            activation,
            adds,
            data.draw(st.integers(1, 3)),
        )

    with built_for(flags):
        run()
    with built_for(flags, small=True):
        run()
    kernel(flags)
    networks = [nn.MaxPool2d(3, 2, 1), nn.MaxPool2d(2), nn.MaxPool2d(5, 1, 2)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(poolings, 'kernel', lambda: kernel(flags))
        for network in networks:
            for size in ((5, 5), (6, 7), (31, 64)):
                x = torch.randn(2, 3, *size)
                assert torch.equal(poolings.pooling(network)(x), network(x))
        patch.setattr(enlargings, 'kernel', lambda: kernel(flags))
        for factors in ((2, 2), (1, 4), (4, 1), (8, 2)):
            for size in ((1, 1), (5, 7), (8, 32)):
                x = torch.randn(2, 3, *size)
                expected = nn.functional.interpolate(x, scale_factor=factors)
                assert torch.equal(enlargings.enlarged(x, scale_factor=factors), expected)
    print(f'{count} cases')


if __name__ == '__main__':
    watched()
