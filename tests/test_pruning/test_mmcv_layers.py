"""Law 3 for the layers of mmcv and mmdet, as their models use them."""

import copy

import pytest
import torch
from law3 import assert_law_3, train_under_mask
from mmcv.cnn import ConvAWS2d, ConvModule, ConvWS2d, DepthwiseSeparableConvModule
from mmcv.cnn.bricks import wrappers
from mmcv.cnn.bricks.transformer import FFN, MultiheadAttention
from mmcv.ops import DeformConv2dPack, ModulatedDeformConv2dPack, MultiScaleDeformableAttention
from mmcv.ops.saconv import SAConv2d
from mmdet.models.backbones import ResNet
from mmdet.models.backbones.trident_resnet import TridentConv
from mmdet.models.layers.normed_predictor import NormedConv2d, NormedLinear
from torch import nn

from mmlth.engine.masking.target_table import target_table
from mmlth.pruning import TargetError, computed_weights, find_targets


def image(*size):
    return torch.randn(4, *size, generator=torch.Generator().manual_seed(1))


def conv(**options):
    return ConvModule(4, 6, 3, padding=1, **options)


LAYERS = {
    'Conv2d': (lambda: wrappers.Conv2d(4, 6, 3), image(4, 5, 5)),
    'Conv3d': (lambda: wrappers.Conv3d(2, 4, 3), image(2, 4, 4, 4)),
    'ConvTranspose2d': (lambda: wrappers.ConvTranspose2d(4, 6, 2), image(4, 4, 4)),
    'ConvTranspose3d': (lambda: wrappers.ConvTranspose3d(2, 3, 2), image(2, 3, 3, 3)),
    'Linear': (lambda: wrappers.Linear(5, 7), image(5)),
    'ConvModule': (lambda: conv(padding_mode='reflect'), image(4, 5, 5)),
    'BN': (lambda: conv(norm_cfg={'type': 'BN'}), image(4, 5, 5)),
    'GN first': (
        lambda: conv(norm_cfg={'type': 'GN', 'num_groups': 2}, order=('norm', 'conv', 'act')),
        image(4, 5, 5),
    ),
    'efficient BN': (
        lambda: conv(norm_cfg={'type': 'BN'}, efficient_conv_bn_eval=True).eval(),
        image(4, 5, 5),
    ),
    'adaptive padding': (
        lambda: ConvModule(4, 6, 3, conv_cfg={'type': 'Conv2dAdaptivePadding'}),
        image(4, 5, 5),
    ),
    'deconvolution': (
        lambda: ConvModule(4, 6, 4, stride=2, conv_cfg={'type': 'deconv'}),
        image(4, 5, 5),
    ),
    'separable': (
        lambda: DepthwiseSeparableConvModule(4, 6, 3, norm_cfg={'type': 'BN'}),
        image(4, 5, 5),
    ),
    'NormedLinear': (lambda: NormedLinear(5, 7), image(5)),
    'NormedConv2d': (lambda: NormedConv2d(4, 6, 1), image(4, 3, 3)),
    'FFN': (lambda: FFN(8, 16), image(5, 8)),
}


@pytest.mark.parametrize('layer', LAYERS)
def test_layer(layer):
    make, x = LAYERS[layer]
    assert_law_3(make, lambda module: module(x))


@pytest.mark.parametrize('pack', [DeformConv2dPack, ModulatedDeformConv2dPack])
@pytest.mark.parametrize('groups', [1, 2])
def test_deformable_convolution(pack, groups):
    def make():
        layer = pack(4, 6, 3, padding=1, groups=groups, deform_groups=groups)
        nn.init.normal_(layer.conv_offset.weight, std=0.05)  # zeros, of which none is the smallest
        return layer

    x = image(4, 5, 5)
    assert_law_3(make, lambda module: module(x), names=['weight', 'conv_offset.weight'])


@pytest.mark.parametrize('batch_first', [True, False])
def test_attention(batch_first):
    x = image(5, 8)
    assert_law_3(
        lambda: MultiheadAttention(8, 2, batch_first=batch_first),
        lambda module: module(x),
        names=['attn.in_proj_weight', 'attn.out_proj.weight'],
    )


def test_deformable_attention():
    def make():
        layer = MultiScaleDeformableAttention(
            8, 2, num_levels=1, num_points=2, dropout=0.0, batch_first=True
        )
        for parameter in layer.parameters():
            nn.init.normal_(parameter, std=0.3)
        return layer

    x = image(6, 8)
    arguments = {
        'value': image(6, 8),
        'reference_points': torch.full((4, 6, 1, 2), 0.4),
        'spatial_shapes': torch.tensor([[2, 3]]),
        'level_start_index': torch.tensor([0]),
    }
    assert_law_3(make, lambda module: module(x, **arguments))


def test_a_convolution_of_three_branches():
    def make():
        layer = TridentConv(4, 6, 3)
        nn.init.normal_(layer.weight, std=0.3)
        return layer

    x = image(4, 7, 7)
    assert_law_3(make, lambda module: module([x, x, x] if module.training else [x]))


STANDARDIZED = {
    'ConvWS2d': lambda: ConvWS2d(4, 6, 3),
    'ConvAWS2d': lambda: ConvAWS2d(4, 6, 3),
    'SAConv2d': lambda: SAConv2d(4, 6, 3),
}


@pytest.mark.parametrize('kind', STANDARDIZED)
def test_standardized_weights_stay_dense_and_are_named(kind):
    # What the forward pass uses is the weight less its mean: a zero would not be one there.
    model = nn.Sequential(nn.Conv2d(3, 4, 3), STANDARDIZED[kind]())
    assert '1.weight' not in [target.name for target in find_targets(model, predictors=True)]
    assert [(t.name, t.module_type) for t in computed_weights(model)] == [('1.weight', kind)]
    with pytest.raises(TargetError, match=rf"'{kind}'.*cannot be pruned.*standardize"):
        find_targets(model, include=[kind])
    assert '0.weight' in [target.name for target in find_targets(model, exclude=[kind])]
    stays_dense = f'1 weights of {kind} (216 in all, from 1.weight to 1.weight) stay dense'
    assert stays_dense in target_table(model, find_targets(model, predictors=True))
    assert 'stay dense' not in target_table(model[0], find_targets(model[0]))


def test_spectral_norm_of_a_conv_module_stays_dense_and_is_named():
    model = nn.Sequential(conv(with_spectral_norm=True), nn.Conv2d(6, 6, 1))
    assert [target.name for target in find_targets(model)] == ['1.weight']
    assert [target.name for target in computed_weights(model)] == ['0.conv.weight_orig']


def resnet(depth=18, **options):
    model = ResNet(
        depth,
        base_channels=4,
        stem_channels=4,
        num_stages=2,
        strides=(1, 2),
        dilations=(1, 1),
        out_indices=(1,),
        **options,
    ).double()  # norms over few numbers amplify rounding
    model.train()
    return model


def test_frozen_stages_are_dense_unless_asked_for():
    def make():
        return resnet(frozen_stages=1)

    x = image(3, 16, 16).double()
    names = [n for n, p in make().named_parameters() if n.startswith('layer2') and p.dim() > 1]
    model, mask = assert_law_3(make, lambda module: module(x), names=names)
    asked_for = {target.name for target in find_targets(model, frozen=True)}
    assert {'conv1.weight', 'layer1.1.conv2.weight'} <= asked_for - set(mask)
    assert all((model.get_parameter(name) != 0).all() for name in asked_for - set(mask))


@pytest.mark.parametrize('with_cp', [True, False])
def test_a_backbone_with_checkpointing(with_cp):
    x = image(3, 16, 16).double()
    model, mask = assert_law_3(
        lambda: resnet(with_cp=with_cp, norm_eval=False), lambda module: module(x)
    )
    copied = copy.deepcopy(model)
    copied.train()
    train_under_mask(copied, mask, resnet(norm_eval=False), lambda module: module(x))


def test_a_backbone_with_deformable_convolutions():
    def make():
        model = resnet(
            depth=50,
            dcn={'type': 'DCNv2', 'deform_groups': 1, 'fallback_on_stride': False},
            stage_with_dcn=(False, True),
        )
        for name, parameter in model.named_parameters():
            if 'conv_offset' in name:
                nn.init.normal_(parameter, std=0.05)
        return model

    x = image(3, 16, 16).double()
    _, mask = assert_law_3(make, lambda module: module(x))
    assert sum('conv_offset' in name for name in mask) == 4
