"""Densities and wholly zero parts, counted by hand."""

import torch

from mmlth.analysis.masks import Zeros, layers, modules
from mmlth.analysis.masks.layers import summed


def masks():
    conv = torch.zeros(2, 3, 2, 2, dtype=torch.bool)  # output 0 and inputs 1, 2 keep nothing
    conv[1, 0, 0, 1] = True
    point = torch.tensor([[True, False], [True, True]])[:, :, None, None]
    linear = torch.tensor([[True, False, False], [False, False, False]])
    scale = torch.tensor([True, False, True])
    return {
        'backbone.conv.weight': conv,
        'backbone.point.weight': point,
        'head.fc.weight': linear,
        'scale': scale,
    }


def test_each_layer():
    conv, point, linear, scale = layers(masks())
    assert (conv.shape, conv.total, conv.kept, conv.density) == ((2, 3, 2, 2), 24, 1, 1 / 24)
    assert conv.kernels == Zeros(5, of=6)
    assert conv.outputs == Zeros(1, of=2)
    assert conv.inputs == Zeros(2, of=3)
    assert (point.kept, point.kernels, point.outputs) == (3, Zeros(1, of=4), Zeros(0, of=2))
    assert (linear.kernels, linear.outputs, linear.inputs) == (None, Zeros(1, 2), Zeros(2, 3))
    assert (scale.kernels, scale.outputs, scale.inputs) == (None, Zeros(1, 3), None)


def test_modules_are_sums_and_count_no_kernels_of_one_weight():
    backbone, head, scale = modules(layers(masks()))
    assert (backbone.name, backbone.layers, backbone.total, backbone.kept) == ('backbone', 2, 28, 4)
    assert backbone.kernels == Zeros(5, of=6)
    assert backbone.outputs == Zeros(1, of=4)
    assert backbone.inputs == Zeros(2, of=5)
    assert (head.name, head.kernels, scale.name) == ('head', None, 'scale')
    assert summed('all', layers(masks())).kept == 1 + 3 + 1 + 2


def test_tensors_of_no_weights_and_of_a_single_one():
    empty, single = layers({'a': torch.zeros(0, 3, dtype=torch.bool), 'b': torch.tensor(False)})
    assert (empty.density, empty.outputs) == (1.0, Zeros(0, 0))
    assert (single.density, single.outputs, single.shape) == (0.0, Zeros(1, 1), ())
