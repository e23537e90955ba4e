"""Toy heads: the table goes by class names, so a class of the same name stands for the real one."""

import pytest
from torch import nn

from mmlth.pruning.predictors import PREDICTORS, is_predictor


def predictors(model: nn.Module) -> list[str]:
    """Names of the parameters of ``model`` that belong to final predictors."""
    modules = dict(model.named_modules())
    result = []
    for name, _ in model.named_parameters():
        parts = name.split('.')[:-1]
        paths = ['.'.join(parts[:i]) for i in range(len(parts) + 1)]
        if is_predictor(name, [(path, modules[path]) for path in paths]):
            result.append(name)
    return result


class Detector(nn.Module):
    def __init__(self, **heads: nn.Module) -> None:
        super().__init__()
        self.backbone = nn.Conv2d(3, 4, 1, bias=False)
        for name, head in heads.items():
            self.add_module(name, head)


class ConvModule(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, norm: bool = True) -> None:
        super().__init__()
        self.conv = conv(in_channels, out_channels)
        if norm:
            self.bn = nn.BatchNorm2d(out_channels)
        self.activate = nn.ReLU()


class AnchorHead(nn.Module):
    """Has its own entry, as `SSDHead` does, whose base it is."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_cls = conv(4, 2)


class AnchorFreeHead(nn.Module):
    pass


class FCOSHead(AnchorFreeHead):
    def __init__(self) -> None:
        super().__init__()
        self.cls_convs = nn.ModuleList([ConvModule(4, 4), ConvModule(4, 4)])
        self.conv_cls = conv(4, 2)
        self.conv_reg = conv(4, 4)
        self.conv_centerness = conv(4, 1)


class UserHead(FCOSHead):
    pass


class SSDHead(AnchorHead):
    def __init__(self, stacked_convs: int) -> None:
        super().__init__()
        tower: list[nn.Module] = [ConvModule(4, 4) for _ in range(stacked_convs)]
        self.cls_convs = nn.ModuleList([nn.Sequential(*tower, conv(4, 2))])


class CornerHead(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tl_pool = nn.ModuleList([nn.Sequential(ConvModule(4, 4))])
        self.tl_heat = nn.ModuleList(
            [nn.Sequential(ConvModule(4, 4), ConvModule(4, 2, norm=False))]
        )


class VisPredictHead(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.vis_head = nn.Sequential(
            nn.Flatten(), nn.Linear(4, 4, bias=False), nn.Linear(4, 2, bias=False), nn.LayerNorm(2)
        )


class DETRHead(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc_cls = nn.Linear(4, 2)
        self.fc_reg: nn.Module = nn.Linear(4, 4)


class DABDETRHead(DETRHead):
    def __init__(self) -> None:
        super().__init__()
        self.fc_reg = nn.Module()
        self.fc_reg.layers = nn.ModuleList([nn.Linear(4, 4, bias=False) for _ in range(3)])


class DeformableDETRHead(DETRHead):
    def __init__(self) -> None:
        super().__init__()
        del self.fc_cls, self.fc_reg
        self.cls_branches = nn.ModuleList([nn.Linear(4, 2, bias=False)])
        self.reg_branches = nn.ModuleList(
            [nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4, bias=False))]
        )


class MaskFeatModule(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.projection = conv(4, 8)


class RTMDetInsHead(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rtm_kernel = nn.ModuleList([conv(4, 9)])
        self.mask_head = MaskFeatModule()


class BBoxHead(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.shared_fcs = nn.ModuleList([nn.Linear(4, 4)])
        self.fc_cls = nn.Linear(4, 2, bias=False)


class HeatmapHead(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.deconv_layers = nn.Sequential(nn.ConvTranspose2d(4, 4, 2), nn.BatchNorm2d(4))
        self.final_layer = conv(4, 17)


class CPM(nn.Module):
    """Ends either in a Sequential or in a plain layer."""

    def __init__(self, stem: nn.Module) -> None:
        super().__init__()
        self.stem = stem


class DeformConvWithOffset(nn.Module):
    """Owns a weight and a child with one, like `ModulatedDeformConv2dPack`."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(conv(4, 4).weight)
        self.conv_offset = conv(4, 27)


def conv(in_channels: int, out_channels: int) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, 1, bias=False)


def test_predictors_of_a_head_but_not_its_tower() -> None:
    assert predictors(Detector(bbox_head=FCOSHead())) == [
        'bbox_head.conv_cls.weight',
        'bbox_head.conv_reg.weight',
        'bbox_head.conv_centerness.weight',
    ]


def test_bias_belongs_to_the_predictor() -> None:
    assert predictors(DETRHead()) == [
        'fc_cls.weight',
        'fc_cls.bias',
        'fc_reg.weight',
        'fc_reg.bias',
    ]


def test_head_may_be_the_root_or_lie_anywhere() -> None:
    assert predictors(BBoxHead()) == ['fc_cls.weight']
    cascade = nn.Module()
    cascade.bbox_head = nn.ModuleList([BBoxHead(), BBoxHead()])
    assert predictors(Detector(roi_head=cascade)) == [
        'roi_head.bbox_head.0.fc_cls.weight',
        'roi_head.bbox_head.1.fc_cls.weight',
    ]


def test_no_predictors_outside_of_known_heads() -> None:
    assert predictors(Detector(fc_cls=nn.Linear(4, 2))) == []


def test_subclass_inherits() -> None:
    assert predictors(UserHead()) == predictors(FCOSHead())


@pytest.mark.parametrize('stacked_convs', [0, 1, 3])
def test_minus_one_is_the_last_layer_and_an_own_entry_replaces_the_inherited(
    stacked_convs: int,
) -> None:
    assert predictors(SSDHead(stacked_convs)) == [f'cls_convs.0.{stacked_convs}.weight']


def test_minus_one_matches_what_lies_below_the_last_child() -> None:
    assert predictors(CornerHead()) == ['tl_heat.0.1.conv.weight']


def test_minus_one_passes_over_children_without_a_matrix() -> None:
    assert predictors(VisPredictHead()) == ['vis_head.2.weight']


def test_minus_one_of_a_layer_is_the_layer() -> None:
    assert predictors(CPM(nn.Sequential(conv(3, 4), conv(4, 2)))) == ['stem.1.weight']
    assert predictors(CPM(conv(3, 4))) == ['stem.weight']
    assert predictors(CPM(DeformConvWithOffset())) == ['stem.weight', 'stem.conv_offset.weight']


def test_detr_heads_whose_names_agree_but_layers_differ() -> None:
    assert predictors(DABDETRHead()) == ['fc_cls.weight', 'fc_cls.bias', 'fc_reg.layers.2.weight']
    assert predictors(DeformableDETRHead()) == [
        'cls_branches.0.weight',
        'reg_branches.0.2.weight',
    ]


def test_kernel_generators_are_predictors_and_mask_features_are_not() -> None:
    assert predictors(Detector(bbox_head=RTMDetInsHead())) == ['bbox_head.rtm_kernel.0.weight']


def test_pose_head() -> None:
    assert predictors(Detector(head=HeatmapHead())) == ['head.final_layer.weight']


def test_a_name_that_only_begins_alike_is_no_match() -> None:
    head = BBoxHead()
    head.fc_cls_proj = nn.Linear(4, 4)
    assert predictors(head) == ['fc_cls.weight']


def test_table_is_well_formed() -> None:
    for head, paths in PREDICTORS.items():
        assert head.isidentifier()
        assert isinstance(paths, tuple)
        assert paths
        assert len(set(paths)) == len(paths)
        for path in paths:
            components = path.split('.')
            assert all(components)
            assert components[0] != '-1'
