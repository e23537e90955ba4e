"""Which heads are taught, by real ones, and which are refused in one line."""

import copy

import pytest
import torch
from mmdet.registry import MODELS as MMDET
from mmdet.testing import demo_mm_inputs
from mmengine.registry import DefaultScope
from mmpose.registry import MODELS as MMPOSE
from repository import DEMO
from toy import ToyModel

from mmlth import LotteryError
from mmlth.engine import build_model, read_config
from mmlth.engine.distillation import LOSS, lesson_of, teach, teacher_of
from mmlth.engine.distillation.formulas import (
    bin_loss,
    dense_loss,
    heatmap_loss,
    joint_logits,
    region_loss,
)

SIGMOID = {'type': 'FocalLoss', 'use_sigmoid': True, 'loss_weight': 3.0}
CODEC = {'type': 'SimCCLabel', 'input_size': (16, 16), 'simcc_split_ratio': 2.0}
SIMCC = {
    'in_channels': 4,
    'out_channels': 3,
    'input_size': (16, 16),
    'in_featuremap_size': (4, 4),
    'decoder': CODEC,
}
KL = {'type': 'KLDiscretLoss', 'beta': 10.0, 'label_softmax': True}
FEATURES = [
    torch.randn(2, 4, side, side, generator=torch.Generator().manual_seed(1)) for side in (4, 2)
]


class Model(torch.nn.Module):
    """A model with a head, whose features are its input."""

    def __init__(self, **heads):
        super().__init__()
        for name, head in heads.items():
            self.add_module(name, head)

    def extract_feat(self, inputs):
        return inputs


def dense(kind, **settings):
    return built(MMDET, 'mmdet', {'type': kind, 'num_classes': 3, 'in_channels': 4, **settings})


def pose(kind, **settings):
    return built(MMPOSE, 'mmpose', {'type': kind, **settings})


def built(registry, scope, config):
    with DefaultScope.overwrite_default_scope(scope):
        return registry.build(config)


def anchors(count):
    ratios = [1.0, 2.0][:count]
    return {'type': 'AnchorGenerator', 'scales': [1.0], 'ratios': ratios, 'strides': [4, 8]}


def twins(head, seed=0):
    """A head with random weights, and another one with others."""
    generator = torch.Generator().manual_seed(seed)
    pair = [head, copy.deepcopy(head)]
    with torch.no_grad():
        for each in pair:
            for parameter in each.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return [each.eval() for each in pair]


def outputs_of(pair, features=FEATURES):
    with torch.no_grad():
        return [each.forward(features) for each in pair]


def test_dense_sigmoid_heads():
    pair = twins(
        dense('RetinaHead', feat_channels=4, loss_cls=SIGMOID, anchor_generator=anchors(2))
    )
    lesson = lesson_of(Model(bbox_head=pair[0]), 2.0)
    assert (lesson.module, lesson.method) == ('bbox_head', 'forward')
    student, teacher = outputs_of(pair)
    # All 2 × (16 + 4) places of 2 anchors with 3 classes each, in whichever order.
    scores = [
        torch.cat([level.unflatten(1, (2, 3)).movedim(2, -1).flatten(0, -2) for level in each[0]])
        for each in (student, teacher)
    ]
    assert scores[0].shape == (80, 3)
    expected = 3.0 * dense_loss(*scores, 2.0, exclusive=False)
    torch.testing.assert_close(lesson.loss(student, teacher), expected)


def test_dense_softmax_heads():
    head = dense(
        'SSDHead',
        in_channels=(4, 4),
        anchor_generator=anchors(2),
    )
    pair = twins(head)
    student, teacher = outputs_of(pair)
    scores = [
        torch.cat([level.unflatten(1, (2, 4)).movedim(2, -1).flatten(0, -2) for level in each[0]])
        for each in (student, teacher)
    ]
    expected = dense_loss(*scores, 1.0, exclusive=True)
    lesson = lesson_of(Model(bbox_head=pair[0]))
    torch.testing.assert_close(lesson.loss(student, teacher), expected)


def test_heads_that_tell_objects_and_classes_apart():
    pair = twins(dense('YOLOXHead', feat_channels=4, strides=[4, 8]))
    student, teacher = outputs_of(pair)
    scores = [
        torch.cat(
            [
                joint_logits(c.movedim(1, -1).flatten(0, -2), o.movedim(1, -1).flatten(0, -2))
                for c, o in zip(each[0], each[2])
            ]
        )
        for each in (student, teacher)
    ]
    expected = dense_loss(*scores, 1.0, exclusive=False)
    lesson = lesson_of(Model(bbox_head=pair[0]))
    torch.testing.assert_close(lesson.loss(student, teacher), expected)


@pytest.mark.parametrize(
    ('kind', 'settings'),
    [
        ('FCOSHead', {'strides': [4, 8]}),
        ('GFLHead', {'anchor_generator': anchors(1)}),
        ('ATSSHead', {'anchor_generator': anchors(1)}),
        ('RTMDetHead', {'anchor_generator': {'type': 'MlvlPointGenerator', 'strides': [4, 8]}}),
        (
            'FoveaHead',
            {'strides': [4, 8], 'base_edge_list': (8, 16), 'scale_ranges': ((1, 9), (9, 99))},
        ),
    ],
)
def test_other_dense_heads(kind, settings):
    pair = twins(dense(kind, feat_channels=32, stacked_convs=1, **settings))
    lesson = lesson_of(Model(bbox_head=pair[0]))
    student, teacher = outputs_of(pair)
    assert lesson.loss(student, student) == 0
    assert lesson.loss(student, teacher) > 0


def test_heatmap_heads():
    head = pose(
        'HeatmapHead',
        in_channels=4,
        out_channels=3,
        deconv_out_channels=None,
        loss={'type': 'KeypointMSELoss', 'loss_weight': 5.0},
    )
    pair = twins(head)
    lesson = lesson_of(Model(head=pair[0]))
    student, teacher = outputs_of(pair)
    expected = 5.0 * heatmap_loss(student, teacher)
    torch.testing.assert_close(lesson.loss(student, teacher), expected)
    with pytest.raises(
        LotteryError, match='softens probabilities, of which HeatmapHead gives none'
    ):
        lesson_of(Model(head=head), 2.0)


@pytest.mark.parametrize('kind', ['SimCCHead', 'RTMCCHead'])
def test_simcc_heads(kind):
    gau = {
        'hidden_dims': 8,
        's': 4,
        'expansion_factor': 2,
        'dropout_rate': 0.0,
        'drop_path': 0.0,
        'act_fn': 'SiLU',
        'use_rel_bias': False,
        'pos_enc': False,
    }
    settings = {'gau_cfg': gau, 'loss': KL} if kind == 'RTMCCHead' else {'loss': KL}
    if kind == 'SimCCHead':
        settings['deconv_out_channels'] = None
    pair = twins(pose(kind, **SIMCC, **settings))
    lesson = lesson_of(Model(head=pair[0]), 4.0)
    student, teacher = outputs_of(pair, FEATURES[:1])
    assert student[0].shape == (2, 3, 32)
    expected = sum(bin_loss(*axis, 4.0, beta=10.0) for axis in zip(student, teacher))
    torch.testing.assert_close(lesson.loss(student, teacher), expected)


def test_the_teacher_classifies_the_regions_of_the_student():
    """In a whole detector, by a training step of MMDetection."""
    config = read_config(DEMO)
    model = build_model(config)
    teacher = teacher_of(model, model.state_dict())
    with torch.no_grad():
        teacher.roi_head.bbox_head.fc_cls.bias += torch.arange(4.0)
    lesson = lesson_of(model)
    rois, scores = [], []
    asked = teacher.roi_head._bbox_forward

    def recorded(features, regions):
        result = asked(features, regions)
        rois.append(regions)
        scores.append(result['cls_score'])
        return result

    teacher.roi_head._bbox_forward = recorded
    seen = []
    box_head = model.roi_head.bbox_head
    box_head.register_forward_hook(lambda module, args, outputs: seen.append(outputs[0]))
    stop = teach(model, teacher, lesson, 0.5)
    model.train()
    batch = demo_mm_inputs(2, (3, 128, 128), num_items=[2, 2], num_classes=3, with_mask=True)
    losses = model(**model.data_preprocessor(batch, True), mode='loss')
    stop()
    assert len(rois) == len(seen) == 1
    assert len(rois[0]) == len(seen[0])
    expected = 0.5 * region_loss(seen[0], scores[0], 1.0)
    torch.testing.assert_close(losses[LOSS], expected)
    assert losses[LOSS] > 0


def refused_models():
    yield 'ToyModel', ToyModel
    yield (
        'DETRHead',
        lambda: Model(bbox_head=built(MMDET, 'mmdet', {'type': 'DETRHead', 'num_classes': 3})),
    )
    yield (
        'TOODHead',
        lambda: Model(
            bbox_head=dense('TOODHead', feat_channels=32, num_dcn=0, anchor_generator=anchors(1))
        ),
    )
    yield (
        'YOLOV3Head',
        lambda: Model(bbox_head=dense('YOLOV3Head', in_channels=(4, 4, 4), out_channels=(4, 4, 4))),
    )
    yield (
        'AssociativeEmbeddingHead',
        lambda: Model(head=pose('AssociativeEmbeddingHead', in_channels=4, num_keypoints=3)),
    )
    yield 'RegressionHead', lambda: Model(head=pose('RegressionHead', in_channels=4, num_joints=3))
    yield (
        'HeatmapHead with CombinedTargetMSELoss',
        lambda: Model(
            head=pose(
                'HeatmapHead',
                in_channels=4,
                out_channels=9,
                loss={'type': 'CombinedTargetMSELoss', 'use_target_weight': True},
            )
        ),
    )
    yield 'CascadeRoIHead', lambda: Model(roi_head=_cascade())


def _cascade():
    boxes = {'type': 'Shared2FCBBoxHead', 'num_classes': 3, 'in_channels': 4}
    return built(
        MMDET,
        'mmdet',
        {
            'type': 'CascadeRoIHead',
            'num_stages': 2,
            'stage_loss_weights': [1, 0.5],
            'bbox_roi_extractor': {
                'type': 'SingleRoIExtractor',
                'roi_layer': {'type': 'RoIAlign', 'output_size': 7},
                'out_channels': 4,
                'featmap_strides': [4],
            },
            'bbox_head': [boxes, boxes],
        },
    )


@pytest.mark.parametrize(('name', 'build'), list(refused_models()), ids=lambda each: str(each)[:20])
def test_others_are_refused(name, build):
    with pytest.raises(LotteryError) as raised:
        lesson_of(build())
    message = str(raised.value)
    assert f'does not teach {name}' in message
    assert 'it teaches heatmaps (HeatmapHead)' in message
    assert '\n' not in message


def test_region_heads_by_sigmoid_are_refused():
    model = build_model(read_config(DEMO))
    model.roi_head.bbox_head.loss_cls.use_sigmoid = True
    with pytest.raises(LotteryError, match='the classes are no softmax'):
        lesson_of(model)
