"""MACs of real models, and which configs of a ticket are built."""

import pytest
import torch
from repository import ROOT
from torch import nn

from mmlth.analysis.cost.model_macs import model_macs
from mmlth.engine import LotteryError, read_config
from mmlth.engine.models.building import stock_model
from mmlth.engine.models.forward import forward_of
from mmlth.engine.tickets.config import config_of
from mmlth.pruning import Mask, find_targets, masked
from mmlth.ticket import Ticket

DETECTOR = ROOT / 'configs/lth/mask_rcnn/mask_rcnn_tiny_shapes_imp.py'


@pytest.fixture(scope='module')
def ticket():
    """Every other weight of a small Mask R-CNN."""
    config = read_config(DETECTOR)
    model = stock_model(config)
    mask = Mask(
        {
            target.name: torch.arange(target.numel).reshape(target.parameter.shape) % 2 == 0
            for target in find_targets(model)
        }
    )
    return Ticket(mask, masked(model.state_dict(), mask), {'config': config.to_dict()})


def counted_by_hooks(model, run):
    """The textbook formulas, from the shapes of what each layer puts out."""
    result = {}

    def hook(name):
        def count(module, inputs, output):
            positions = output.numel() // (
                output.shape[1] if output.dim() > 2 else output.shape[-1]
            )
            if isinstance(module, nn.ConvTranspose2d):
                positions = inputs[0].numel() // inputs[0].shape[1]
            result[name] = result.get(name, 0) + positions * module.weight.numel()

        return count

    for name, module in model.named_modules():
        if isinstance(module, (nn.Conv2d, nn.Linear, nn.ConvTranspose2d)):
            module.register_forward_hook(hook(f'{name}.weight'))
    with torch.no_grad():
        run()
    return result


def test_a_two_stage_detector(ticket):
    result = model_macs(ticket, 90, 128)
    assert (result.image, result.size, result.model) == ((90, 128), (96, 128), 'MaskRCNN')
    assert result.regions == 50  # the config's most
    assert (result.left_out, result.macs.uncounted, result.macs.unused) == (None, {}, ())
    model = stock_model(config_of(ticket.info), ticket.weights)
    assert not any(model.get_parameter(name)[~kept].any() for name, kept in ticket.mask.items())
    assert result.macs.weights == counted_by_hooks(model, forward_of(model, 90, 128).whole)
    assert result.macs.others == {}
    unmasked = sum(n for name, n in result.macs.weights.items() if name not in ticket.mask)
    assert 0 < unmasked < result.macs.dense
    assert result.macs.sparse(ticket.mask) == pytest.approx(
        (result.macs.dense - unmasked) / 2 + unmasked, rel=1e-3
    )


def test_a_head_that_cannot_run_is_left_out_and_the_reason_told(ticket, monkeypatch):
    whole = model_macs(ticket, 64, 64)
    head = 'mmdet.models.roi_heads.StandardRoIHead.forward'
    monkeypatch.setattr(head, lambda *_: 1 / 0)
    result = model_macs(ticket, 64, 64)
    assert 'ZeroDivisionError: division by zero' in result.left_out
    assert {name.partition('.')[0] for name in result.macs.weights} == {'backbone', 'neck'}
    assert {name.partition('.')[0] for name in result.macs.unused} == {'rpn_head', 'roi_head'}
    assert result.macs.weights.items() <= whole.macs.weights.items()
    assert result.regions is None


def test_deformable_convolutions_are_named(ticket):
    config = read_config(DETECTOR)
    config.model.backbone.update(
        dcn={'type': 'DCN', 'deform_groups': 1, 'fallback_on_stride': False},
        stage_with_dcn=(False, False, False, True),
        depth=50,
    )
    config.model.neck.in_channels = [64, 128, 256, 512]
    result = model_macs(Ticket(Mask({}), None, {'config': config.to_dict()}), 128, 128)
    names = [f'backbone.layer4.{i}.conv2.weight' for i in range(3)]
    assert result.macs.uncounted == dict.fromkeys(names, 'DeformConv2dPack')
    assert all(
        f'backbone.layer4.{i}.conv2.conv_offset.weight' in result.macs.weights for i in (0, 2)
    )


def test_a_pose_estimator_by_another_config():
    result = model_macs(
        Ticket(Mask({}), None),
        96,
        64,
        ROOT / 'configs/lth/topdown_heatmap/topdown_heatmap_r18_mouse_imp.py',
    )
    assert (result.model, result.size, result.regions) == ('TopdownPoseEstimator', (96, 64), None)
    assert result.macs.weights['backbone.conv1.weight'] == 48 * 32 * 64 * 3 * 49


def test_an_image_that_the_model_cannot_take():
    config = (
        ROOT / 'configs/lth/rtmpose/rtmpose_tiny_mouse_imp.py'
    )  # fully connected over positions
    with pytest.raises(LotteryError) as raised:
        model_macs(Ticket(Mask({}), None), 0, 64, config)
    assert 'cannot run on an image of 0 × 64 pixels' in str(raised.value)


@pytest.mark.parametrize(
    'kind',
    [
        'os.system',
        'mmengine.load',
        'this',
        'this.that',
        'mmdet.apis.init_detector',
        'mmdet.apis.DetInferencer',
        'mmdet.models.detectors.base.torch.load',
        "eval('1')",
        7,
    ],
)
def test_a_config_in_a_ticket_names_models_only(ticket, kind):
    config = read_config(DETECTOR).to_dict()
    config['model']['test_cfg']['rpn']['nms']['type'] = kind
    with pytest.raises(LotteryError, match='no part of a model'):
        config_of({'config': config})


@pytest.mark.parametrize('scope', ['this', 3])
def test_a_config_in_a_ticket_makes_no_package_be_imported(scope):
    for config in ({'model': {'_scope_': scope}}, {'model': {'type': 'A'}, 'default_scope': scope}):
        with pytest.raises(LotteryError, match='no part of a model'):
            config_of({'config': config})


def test_configs_that_name_classes_by_their_path():
    path = 'mmdet.models.detectors.mask_rcnn.MaskRCNN'
    model = {'type': path, 'norm': {'type': 'torch.nn.modules.batchnorm.BatchNorm2d'}}
    assert config_of({'config': {'model': model}}).model.type == path


@pytest.mark.parametrize('info', [{}, {'config': 'x'}, {'config': {}}, {'config': {'model': 3}}])
def test_a_ticket_without_a_config(info):
    with pytest.raises(LotteryError, match='--config'):
        config_of(info)
