"""Max pooling gives what PyTorch's gives, bit for bit."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mmlth.runtime.pooling import pooling


@given(data=st.data(), seed=st.integers(0, 99))
@settings(max_examples=100, deadline=None)
def test_the_same_as_pytorch(data, seed):
    reach = data.draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    stride = data.draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    padding = tuple(data.draw(st.integers(0, extent // 2)) for extent in reach)
    size = tuple(data.draw(st.integers(extent, 40)) for extent in reach)
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(data.draw(st.integers(0, 2)), 3, *size, generator=generator)
    x[:, 0, :1, :1] = torch.nan
    x[:, 1] = -torch.inf
    given_module = nn.MaxPool2d(reach, stride, padding)
    expected, computed = given_module(x), pooling(given_module)(x)
    torch.testing.assert_close(computed, expected, rtol=0, atol=0, equal_nan=True)


def test_what_it_does_not_know_is_left_to_pytorch():
    module = pooling(nn.MaxPool2d(3, 2, 1))
    reference = nn.MaxPool2d(3, 2, 1)
    for x in (
        torch.randn(2, 9, 9),
        torch.randn(1, 2, 9, 9).double(),
        torch.randn(1, 2, 9, 9, requires_grad=True),
        torch.randn(1, 2, 9, 9).contiguous(memory_format=torch.channels_last),
    ):
        assert torch.equal(module(x), reference(x))


@pytest.mark.parametrize(
    'module',
    [
        nn.MaxPool2d(3, dilation=2),
        nn.MaxPool2d(3, ceil_mode=True),
        nn.MaxPool2d(3, return_indices=True),
        nn.AvgPool2d(3),
    ],
)
def test_other_poolings_stay(module):
    assert pooling(module) is None
