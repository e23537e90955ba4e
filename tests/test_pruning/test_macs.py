"""MACs by hand: positions of the output times the weights that make one of them."""

import pytest
import torch
from torch import nn
from torchvision.ops import DeformConv2d

from mmlth.pruning import LayerMacs, Mask, count_macs


class Net(nn.Module):
    """Takes an image of 6 × 5 pixels."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.neck = nn.ModuleDict(
            {'grouped': nn.Conv2d(4, 8, 3, groups=2), 'up': nn.ConvTranspose2d(8, 2, 2, stride=2)}
        )
        self.fc = nn.Linear(8, 5)

    def forward(self, image):
        features = self.neck['grouped'](self.stem(image))
        self.neck['up'](features)
        return self.fc(features.mean((2, 3)))


STEM = 6 * 5 * 4 * 3 * 9
GROUPED = 4 * 3 * 8 * 2 * 9
UP = 4 * 3 * 8 * 2 * 4  # each position of the input meets each weight
FC = 8 * 5


def count(model, *inputs):
    return count_macs(model.eval(), lambda: model(*inputs))


def test_convolutions_and_a_linear_layer():
    macs = count(Net(), torch.rand(1, 3, 6, 5))
    expected = {
        'stem.weight': STEM,
        'neck.grouped.weight': GROUPED,
        'neck.up.weight': UP,
        'fc.weight': FC,
    }
    assert macs.weights == expected
    assert (macs.dense, macs.others, macs.uncounted) == (STEM + GROUPED + UP + FC, {}, {})


def test_masked_weights_count_by_their_density():
    macs = count(Net(), torch.rand(1, 3, 6, 5))
    quarter = torch.arange(8 * 2 * 9).reshape(8, 2, 3, 3) < 36
    mask = Mask({'neck.grouped.weight': quarter, 'fc.weight': torch.zeros(5, 8, dtype=torch.bool)})
    assert macs.sparse(mask) == STEM + GROUPED // 4 + UP
    assert macs.layers(mask) == [
        LayerMacs('stem.weight', STEM, STEM),
        LayerMacs('neck.grouped.weight', GROUPED, GROUPED // 4),
        LayerMacs('neck.up.weight', UP, UP),
        LayerMacs('fc.weight', FC, 0),
    ]


def test_a_module_counts_each_time_that_it_runs():
    model = nn.Module()
    model.shared, model.tied = nn.Conv2d(2, 3, 1), nn.Conv2d(2, 3, 1)
    model.tied.weight = model.shared.weight
    sizes = (4, 2, 1)

    def run():
        for size in sizes:
            model.shared(torch.rand(1, 2, size, size))
        model.tied(torch.rand(1, 2, 5, 5))

    assert count_macs(model, run).weights == {'shared.weight': (16 + 4 + 1 + 25) * 6}


@pytest.mark.parametrize('need_weights', [True, False])
def test_attention_shares_its_products_out_to_its_weights(need_weights):
    model = nn.Module()
    model.attn = nn.MultiheadAttention(8, 2, batch_first=True).eval()
    x = torch.rand(1, 5, 8)
    macs = count_macs(model, lambda: model.attn(x, x, x, need_weights=need_weights))
    assert macs.weights == {'attn.in_proj_weight': 5 * 8 * 24, 'attn.out_proj.weight': 5 * 8 * 8}
    assert macs.others == {'attn': 2 * (2 * 5 * 5 * 4)}
    assert macs.uncounted == {}
    assert torch.backends.mha.get_fastpath_enabled()


class Standardized(nn.Conv2d):
    def forward(self, image):
        return nn.functional.conv2d(image, self.weight - self.weight.mean())


def test_a_layer_that_computes_its_weight_stays_dense():
    model = nn.Sequential(Standardized(3, 4, 1))
    macs = count(model, torch.rand(1, 3, 2, 2))
    assert (macs.weights, macs.others, macs.uncounted) == ({}, {'0': 4 * 12}, {})
    assert macs.sparse(Mask({'0.weight': torch.zeros(4, 3, 1, 1, dtype=torch.bool)})) == 4 * 12


def test_what_is_not_counted_is_named():
    model = nn.Module()
    model.deformed, model.idle = DeformConv2d(3, 4, 3), nn.Linear(2, 2)
    model.table, model.empty = nn.Embedding(5, 3), nn.Linear(2, 2)

    def run():
        model.deformed(torch.rand(1, 3, 5, 5), torch.zeros(1, 18, 3, 3))
        model.table(torch.tensor([1]))
        model.empty(torch.rand(0, 2))

    macs = count_macs(model, run)
    assert macs.uncounted == {'deformed.weight': 'DeformConv2d'}
    assert macs.unused == ('idle.weight',)
    assert (macs.weights, macs.dense) == ({'empty.weight': 0}, 0)


def test_the_model_stays_as_it_was():
    model = Net()
    model.stem.weight.requires_grad_(False)
    count(model, torch.rand(1, 3, 6, 5))
    assert [p.requires_grad for p in model.parameters()] == [False] + [True] * 7
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
