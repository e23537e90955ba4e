"""Which layers of MMSegmentation's heads are final predictors, and what can be taught."""

import pytest
import torch
from torch import nn

from mmlth import LotteryError
from mmlth.engine import build_model, read_config
from mmlth.engine.distillation import lesson_of
from mmlth.engine.distillation.formulas import region_loss
from mmlth.pruning import find_targets
from mmlth.pruning.scopes import role_of

pytest.importorskip('mmseg', reason='mmsegmentation is not installed')
import mmseg.models.decode_heads
from mmengine.registry import DefaultScope
from mmseg.registry import MODELS

CLASSES = 5
BASIC = {'in_channels': 16, 'channels': 8, 'num_classes': CLASSES}
SEVERAL = {**BASIC, 'in_channels': [8, 16], 'in_index': [0, 1]}
NORM = {'norm_cfg': {'type': 'BN'}}
KERNELS = {
    'type': 'KernelUpdateHead',
    'num_classes': CLASSES,
    'num_heads': 2,
    'in_channels': 8,
    'out_channels': 8,
    'feedforward_channels': 16,
    'kernel_updator_cfg': {
        'type': 'KernelUpdator',
        'in_channels': 8,
        'feat_channels': 8,
        'out_channels': 8,
    },
}
HEADS = {
    'FCNHead': ({**BASIC}, ['conv_seg']),
    'PSPHead': ({**BASIC}, ['conv_seg']),
    'DepthwiseSeparableASPPHead': ({**BASIC, 'c1_in_channels': 0, 'c1_channels': 0}, ['conv_seg']),
    'OCRHead': ({**BASIC, 'ocr_channels': 8}, ['conv_seg']),
    'DAHead': ({**BASIC, 'pam_channels': 4}, ['conv_seg', 'pam_conv_seg', 'cam_conv_seg']),
    'DDRHead': ({**BASIC, **NORM}, ['conv_seg', 'aux_cls_seg']),
    'PIDHead': ({**BASIC, **NORM}, ['conv_seg', 'p_cls_seg', 'd_cls_seg']),
    'EncHead': ({**SEVERAL, 'num_codes': 4}, ['conv_seg', 'se_layer']),
    'PointHead': ({**SEVERAL, 'num_fcs': 1}, ['fc_seg']),
    'SegmenterMaskTransformerHead': (
        {**BASIC, 'num_layers': 1, 'num_heads': 2, 'embed_dims': 8},
        ['classes_proj'],
    ),
    'IterativeDecodeHead': (
        {
            'num_stages': 2,
            'kernel_update_head': [KERNELS, KERNELS],
            'kernel_generate_head': {'type': 'FCNHead', **BASIC},
        },
        [
            'kernel_generate_head.conv_seg',
            'kernel_update_head.0.fc_mask',
            'kernel_update_head.1.fc_mask',
        ],
    ),
    'VPDDepthHead': (
        {'in_channels': [16, 8, 4, 4], 'embed_dim': 2, 'num_deconv_filters': (4, 4, 4)},
        ['depth_pred_layer.2'],
    ),
}


class Segmenter(nn.Module):
    """A model with a head, whose features are its input."""

    def __init__(self, head):
        super().__init__()
        self.decode_head = head

    def extract_feat(self, inputs):
        return inputs


def built(kind, **settings):
    with DefaultScope.overwrite_default_scope('mmseg'):
        return MODELS.build({'type': kind, **settings})


@pytest.mark.parametrize('kind', HEADS)
def test_final_predictors(kind):
    settings, expected = HEADS[kind]
    model = Segmenter(built(kind, **settings))
    everything = {each.name for each in find_targets(model, predictors=True)}
    hidden = {each.name for each in find_targets(model)}
    assert {f'decode_head.{name}.weight' for name in expected} == everything - hidden
    assert hidden


def test_no_head_of_the_package_is_without_one():
    """Each has an entry of its own, or that of a class that it is derived from."""
    from mmlth.pruning.predictors import PREDICTORS

    names = [name for name in mmseg.models.decode_heads.__all__ if name.endswith('Head')]
    heads = [getattr(mmseg.models.decode_heads, name) for name in names]
    without = {
        head.__name__
        for head in heads
        if not any(cls.__name__ in PREDICTORS for cls in head.__mro__)
    }
    assert without == set()
    # What replaces the layer of the base class has an entry of its own.
    own = {'PointHead', 'SegmenterMaskTransformerHead', 'VPDDepthHead'}
    assert own <= PREDICTORS.keys()


def test_roles():
    config = read_config('mmseg::san/san-vit-b16_voc12aug-640x640')
    config.model.text_encoder.update(num_layers=1)
    model = build_model(config)
    modules = dict(model.named_modules())

    def role(name):
        parts = name.split('.')[:-1]
        paths = ['.'.join(parts[:i]) for i in range(len(parts) + 1)]
        return role_of(name, [(path, modules[path]) for path in paths if path in modules])[0]

    roles = {name.partition('.')[0]: role(name) for name, _ in model.named_parameters()}
    assert roles == {
        'image_encoder': 'backbone',
        'text_encoder': 'backbone',
        'decode_head': 'head',
    }
    names = {each.name for each in find_targets(model, scope='predictors')}
    assert names == {'decode_head.side_adapter_network.mask_decoder.query_mlp.layers.2.weight'}


def test_pixels_are_taught():
    loss = {'type': 'CrossEntropyLoss', 'loss_weight': 3.0}
    dice = {'type': 'DiceLoss', 'loss_weight': 5.0}
    for losses in (loss, [dice, loss]):
        head = built('FCNHead', **BASIC, loss_decode=losses)
        lesson = lesson_of(Segmenter(head), 2.0)
        assert (lesson.module, lesson.method) == ('decode_head', 'forward')
        student, teacher = torch.randn(2, 2, CLASSES, 3, 4)
        rows = [
            torch.stack([maps[n, :, y, x] for n in range(2) for y in range(3) for x in range(4)])
            for maps in (student, teacher)
        ]
        expected = 3.0 * region_loss(*rows, 2.0)
        torch.testing.assert_close(lesson.loss(student, teacher), expected)
    assert lesson.loss(student, student) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ('kind', 'settings', 'named'),
    [
        ('DAHead', {**BASIC, 'pam_channels': 4}, 'DAHead'),
        ('EncHead', {**SEVERAL, 'num_codes': 4}, 'EncHead'),
        ('OCRHead', {**BASIC, 'ocr_channels': 8}, 'OCRHead'),
        ('VPDDepthHead', HEADS['VPDDepthHead'][0], 'VPDDepthHead'),
        (
            'FCNHead',
            {**BASIC, 'loss_decode': {'type': 'DiceLoss'}},
            'FCNHead with DiceLoss (the classes are no softmax)',
        ),
        (
            'FCNHead',
            {**BASIC, 'loss_decode': {'type': 'CrossEntropyLoss', 'use_sigmoid': True}},
            'FCNHead with CrossEntropyLoss (the classes are no softmax)',
        ),
    ],
)
def test_other_heads_are_not(kind, settings, named):
    with pytest.raises(LotteryError) as raised:
        lesson_of(Segmenter(built(kind, **settings)))
    assert f'does not teach {named}' in str(raised.value)
    assert '\n' not in str(raised.value)
