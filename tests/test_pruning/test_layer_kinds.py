"""Law 3 for every kind of layer that torch has and mmlth prunes."""

import pytest
import torch
from law3 import assert_law_3, prune_half
from torch import nn

from mmlth.pruning import attach_mask, find_targets, prune


def image(channels, *size):
    return torch.randn(2, channels, *size, generator=torch.Generator().manual_seed(1))


LAYERS = {
    'conv1d': (lambda: nn.Conv1d(4, 6, 3), image(4, 9)),
    'conv2d': (lambda: nn.Conv2d(4, 6, 3, stride=2, padding=1), image(4, 7, 7)),
    'conv3d': (lambda: nn.Conv3d(2, 4, 3), image(2, 4, 4, 4)),
    'pointwise': (lambda: nn.Conv2d(4, 6, 1, bias=False), image(4, 5, 5)),
    'grouped': (lambda: nn.Conv2d(4, 6, 3, groups=2), image(4, 5, 5)),
    'depthwise': (lambda: nn.Conv2d(4, 4, 3, groups=4), image(4, 5, 5)),
    'dilated': (lambda: nn.Conv2d(4, 6, 3, dilation=2), image(4, 7, 7)),
    'circular': (lambda: nn.Conv2d(4, 6, 3, padding=1, padding_mode='circular'), image(4, 5, 5)),
    'transposed1d': (lambda: nn.ConvTranspose1d(4, 6, 3, stride=2), image(4, 5)),
    'transposed2d': (
        lambda: nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2),
        image(4, 4, 4),
    ),
    'transposed3d': (lambda: nn.ConvTranspose3d(2, 3, 2), image(2, 3, 3, 3)),
    'linear': (lambda: nn.Linear(5, 7), image(3, 5)),
    'encoder': (
        lambda: nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True),
        image(5, 8),
    ),
}


@pytest.mark.parametrize('layer', LAYERS)
def test_layer(layer):
    make, x = LAYERS[layer]
    assert_law_3(make, lambda module: module(x))


PACKED = ['in_proj_weight', 'out_proj.weight']
SEPARATE = ['q_proj_weight', 'k_proj_weight', 'v_proj_weight', 'out_proj.weight']


@pytest.mark.parametrize('batch_first', [True, False])
@pytest.mark.parametrize(
    ('kdim', 'vdim', 'names'), [(None, None, PACKED), (6, None, SEPARATE), (6, 10, SEPARATE)]
)
def test_attention(batch_first, kdim, vdim, names):
    def make():
        return nn.MultiheadAttention(8, 2, kdim=kdim, vdim=vdim, batch_first=batch_first)

    q, k, v = image(4, 8), image(4, kdim or 8), image(4, vdim or 8)
    assert_law_3(make, lambda module: module(q, k, v)[0], names=names)


def test_the_fused_path_of_attention_sees_the_zeros():
    # In evaluation without gradients torch hands the packed weights to one kernel.
    torch.manual_seed(0)
    model = nn.MultiheadAttention(8, 2, batch_first=True)
    prune_half(model)
    x = image(5, 8)
    slow, _ = model.eval()(x, x, x, need_weights=False)
    with torch.no_grad(), torch.profiler.profile() as profile:
        fused, _ = model(x, x, x, need_weights=False)
    assert any('_native_multi_head_attention' in event.name for event in profile.events())
    torch.testing.assert_close(fused, slow.detach())


class Repeated(nn.Module):
    """One layer, used three times in a forward pass."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)
        self.again = self.conv

    def forward(self, x):
        return self.again(self.conv(self.conv(x).relu()).relu())


class Tied(nn.Module):
    """Two layers with one weight; a third uses its transpose."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(6, 6)
        self.second = nn.Linear(6, 6)
        self.second.weight = self.first.weight

    def forward(self, x):
        x = self.second(self.first(x).relu())
        return nn.functional.linear(x, self.first.weight.t())


class LanguageHead(nn.Module):
    """An embedding whose table is the weight of the last layer, too."""

    def __init__(self, head_first=False):
        super().__init__()
        if head_first:
            self.head = nn.Linear(6, 7, bias=False)
        self.embedding = nn.Embedding(7, 6)
        self.hidden = nn.Linear(6, 6)
        if not head_first:
            self.head = nn.Linear(6, 7, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, words):
        return self.head(self.hidden(self.embedding(words)).relu())


@pytest.mark.parametrize(
    ('make', 'x', 'names'),
    [
        (Repeated, image(4, 5, 5), ['conv.weight']),
        (Tied, image(3, 6), ['first.weight']),
        (LanguageHead, torch.tensor([[0, 3, 1, 6]]), ['embedding.weight', 'hidden.weight']),
        (
            lambda: LanguageHead(head_first=True),
            torch.tensor([[0, 3, 1, 6]]),
            ['head.weight', 'hidden.weight'],
        ),
    ],
    ids=['repeated', 'tied', 'language head', 'head first'],
)
def test_shared_weights(make, x, names):
    assert_law_3(make, lambda module: module(x), names=names)


def test_frozen_weights_are_dense_unless_asked_for():
    def make():
        model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
        model[0].requires_grad_(False)
        return model

    x = image(3, 4)
    model, _ = assert_law_3(make, lambda module: module(x), names=['1.weight'])
    assert (model[0].weight != 0).all()
    # On request they are masked; they neither train nor come back.
    frozen = find_targets(model, frozen=True)[0]
    mask = prune({frozen.name: frozen.parameter}, sparsity=0.5)
    before = frozen.parameter.detach() * mask['0.weight']
    attach_mask(model, mask)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    model(x).sum().backward()
    optimizer.step()
    assert model[0].weight.grad is None
    assert not model[0].weight.requires_grad
    assert torch.equal(model[0].weight, before)
