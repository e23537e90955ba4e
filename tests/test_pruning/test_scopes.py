"""Toy models: roles go by names and class names, so a class of the same name stands for it."""

from itertools import combinations
from typing import Any

import pytest
from torch import nn

from mmlth.pruning import TargetError, find_targets
from mmlth.pruning.scopes import ROLES, read_scope


class Part(nn.Module):
    """A module with the given parts."""

    def __init__(self, **parts: nn.Module) -> None:
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)


class RPNHead(Part):
    """Its final predictors are known by the name of its class."""


class BBoxHead(Part):
    """Likewise."""


class AveragedModel(Part):
    """A copy that follows the model, as MoCo's key encoder does."""


class FoundByFolder(Part):
    """A class of some package's folder of necks, under a name that tells nothing."""

    __module__ = 'somewhere.models.necks.of_a_user'


def conv() -> nn.Conv2d:
    return nn.Conv2d(4, 4, 1, bias=False)


def block() -> nn.Module:
    shortcut = nn.Sequential(conv(), nn.BatchNorm2d(4))
    return Part(conv1=conv(), downsample=shortcut)


def detector() -> Part:
    return Part(
        backbone=Part(conv1=conv(), layer1=nn.Sequential(block())),
        neck=Part(rfp=Part(backbone=conv())),
        rpn_head=RPNHead(rpn_conv=conv(), rpn_cls=conv()),
        roi_head=Part(
            shared_head=Part(layer4=nn.Sequential(block())),
            bbox_head=BBoxHead(shared_fcs=nn.Linear(4, 4), fc_cls=nn.Linear(4, 2)),
        ),
    )


def roles(model: nn.Module) -> dict[str, str]:
    return {t.name.removesuffix('.weight'): t.role for t in find_targets(model, predictors=True)}


def names(scope: str, **switches: Any) -> list[str]:
    return [
        t.name.removesuffix('.weight') for t in find_targets(detector(), scope=scope, **switches)
    ]


DETECTOR = {
    'backbone.conv1': 'backbone',
    'backbone.layer1.0.conv1': 'backbone',
    'backbone.layer1.0.downsample.0': 'backbone',
    'neck.rfp.backbone': 'neck',  # the outermost name decides
    'rpn_head.rpn_conv': 'rpn',
    'rpn_head.rpn_cls': 'rpn',
    'roi_head.shared_head.layer4.0.conv1': 'top',
    'roi_head.shared_head.layer4.0.downsample.0': 'top',
    'roi_head.bbox_head.shared_fcs': 'head',
    'roi_head.bbox_head.fc_cls': 'head',
}
PREDICTORS = ['rpn_head.rpn_cls', 'roi_head.bbox_head.fc_cls']


def test_roles_of_a_two_stage_detector_alone_and_within_another_model() -> None:
    assert roles(detector()) == DETECTOR
    for outer in ('detector', 'student', 'anything'):
        assert roles(Part(**{outer: detector()})) == {
            f'{outer}.{name}': role for name, role in DETECTOR.items()
        }
    assert set(roles(Part(student=detector(), teacher=detector())).values()) == set(ROLES[:6])


def test_roles_of_other_models() -> None:
    detr = Part(
        backbone=conv(), encoder=conv(), decoder=conv(), memory_trans_fc=conv(), bbox_head=conv()
    )
    assert list(roles(detr).values()) == ['backbone', 'neck', 'head', 'head', 'head']
    maskformer = Part(panoptic_head=Part(pixel_decoder=conv(), transformer_decoder=conv()))
    assert list(roles(maskformer).values()) == ['neck', 'head']
    lifter = Part(traj_backbone=conv(), traj_head=conv(), head=conv())
    assert list(roles(lifter).values()) == ['backbone', 'head', 'head']
    assert roles(Part(bbox_head=RPNHead(rpn_conv=conv()))) == {'bbox_head.rpn_conv': 'rpn'}
    assert roles(Part(pyramid=FoundByFolder(a=conv()), fc=conv())) == {
        'pyramid.a': 'neck',
        'fc': 'other',
    }
    assert roles(FoundByFolder(a=conv())) == {'a': 'neck'}
    moco = Part(backbone=conv(), encoder_k=Part(backbone=conv()), copy=AveragedModel(neck=conv()))
    assert list(roles(moco).values()) == ['backbone', 'teacher', 'teacher']


@pytest.mark.parametrize('size', range(1, 6))
def test_joined_roles_hold_what_each_holds(size: int) -> None:
    for chosen in combinations(ROLES[:5], size):
        expected = [name for name, role in DETECTOR.items() if role in chosen]
        assert names('+'.join(chosen), predictors=True) == expected
        hidden = [name for name in expected if name not in PREDICTORS]
        assert names(' + '.join(reversed(chosen))) == hidden
    assert names('all', predictors=True) == list(DETECTOR)


def test_predictors_belong_to_the_roles_beside_them() -> None:
    assert names('predictors') == PREDICTORS
    assert names('rpn+predictors') == ['rpn_head.rpn_conv', 'rpn_head.rpn_cls']
    assert names('all+predictors') == list(DETECTOR)


def test_all_predictors_are_those_of_every_role() -> None:
    """As S1's code prunes with the head: those of the RPN, too."""
    assert names('all_predictors') == PREDICTORS
    assert names('head+all_predictors') == [
        PREDICTORS[0],
        'roi_head.bbox_head.shared_fcs',
        PREDICTORS[1],
    ]
    assert names('neck+all_predictors') == ['neck.rfp.backbone', *PREDICTORS]
    assert names('all+all_predictors') == list(DETECTOR)
    assert names('neck+all_predictors', exclude=['rpn_head']) == [
        'neck.rfp.backbone',
        PREDICTORS[1],
    ]
    model = detector()
    model.rpn_head.requires_grad_(False)
    assert [t.role for t in find_targets(model, scope='all_predictors')] == ['head']


def test_presets() -> None:
    hidden = [name for name in DETECTOR if name not in PREDICTORS]
    assert names('s1_coco') == [name for name in hidden if 'downsample' not in name]
    dense = ('backbone.conv1', *(name for name in DETECTOR if 'downsample' in name))
    assert names('s1_voc') == [name for name in DETECTOR if name not in dense]
    assert names('s2') == ['backbone.layer1.0.conv1', 'backbone.layer1.0.downsample.0']
    model = detector()
    model.backbone.requires_grad_(False)
    for preset in ('s1_coco', 's1_voc', 's2'):  # which hold frozen weights
        assert [f'{name}.weight' for name in names(preset)] == [
            target.name for target in find_targets(model, scope=preset)
        ]
    both = Part(student=detector(), teacher=detector())
    for preset in ('s1_coco', 's1_voc'):
        assert {t.role for t in find_targets(both, scope=preset)} == set(ROLES[:5])


def test_each_backbone_has_a_stem() -> None:
    tracker = Part(detector=detector(), reid=Part(backbone=Part(first=conv(), second=conv())))
    assert [t.name for t in find_targets(tracker, scope='s2')] == [
        'detector.backbone.layer1.0.conv1.weight',
        'detector.backbone.layer1.0.downsample.0.weight',
        'reid.backbone.second.weight',
    ]


def test_a_layer_for_downsampling_is_no_shortcut() -> None:
    swin = Part(backbone=Part(first=conv(), downsample=Part(reduction=nn.Linear(4, 4))))
    assert len(find_targets(swin, scope='s1_coco')) == 2


def test_patterns_choose_within_a_scope() -> None:
    model = detector()
    chosen = find_targets(model, ['*conv1', 'shared_fcs'], ['layer1'], scope='backbone+top')
    assert [t.name for t in chosen] == [
        'backbone.conv1.weight',
        'roi_head.shared_head.layer4.0.conv1.weight',
    ]
    with pytest.raises(TargetError, match=r"scope='neck', include=\['shared_fcs'\].*leave none"):
        find_targets(model, ['shared_fcs'], scope='neck')


@pytest.mark.parametrize(
    ('scope', 'message'),
    [
        (
            'backbon',
            r"'backbon' is no role; valid: backbone, neck, .*, all, .* s1_coco, s1_voc, s2",
        ),
        ('', "'' is no role"),
        ('backbone+', "'' is no role"),
        ('backbone+s2', "'s2' is a choice of its own"),
    ],
)
def test_unknown_words(scope: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_scope(scope)


def test_roles_without_anything_to_prune() -> None:
    plain = Part(backbone=conv(), head=BBoxHead(fc_cls=nn.Linear(4, 2)), aux=conv())
    for scope, message in {
        'neck': 'asks for the role neck, which the model lacks; it has backbone, head, other',
        'backbone+top': 'asks for the role top',
        'head': r"leaves nothing of head, which has final predictors only; 'head\+predictors'",
        'backbone+predictors': 'final predictors where there are none; .* has them in head',
    }.items():
        with pytest.raises(TargetError, match=message):
            find_targets(plain, scope=scope)
    assert len(find_targets(plain, scope='backbone+all_predictors')) == 2
    with pytest.raises(TargetError, match=r'final predictors where there are none; .* in no role'):
        find_targets(Part(backbone=conv()), scope='backbone+all_predictors')
    plain.backbone.requires_grad_(False)
    with pytest.raises(TargetError, match='leaves nothing of backbone, which is frozen'):
        find_targets(plain, scope='backbone')
    with pytest.raises(TargetError, match=r"'s2' leaves nothing of backbone, .* but its first"):
        find_targets(plain, scope='s2')
    with pytest.raises(TargetError, match="'s2' asks for the role backbone"):
        find_targets(plain.head, scope='s2')
