"""ONNX files compute what the ticket's model does, and are not written where they would not."""

import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from exports import masked_model, save
from mmcv.ops import DeformConv2dPack
from onnx import numpy_helper
from torch import nn
from toy import ToyModel

from mmlth.engine import LotteryError, build_model, read_config
from mmlth.engine.exporting.export import export_model, export_ticket
from mmlth.engine.exporting.trace import trace
from mmlth.pruning import attached_mask
from mmlth.pruning.masked_modules import Masked
from mmlth.ticket import Ticket, load_ticket, save_ticket

RTMDET = 'mmlth::lth/rtmdet/rtmdet_tiny_bccd_imp.py'
RTMPOSE = 'mmlth::lth/rtmpose/rtmpose_tiny_mouse_imp.py'
HEATMAP = 'mmlth::lth/topdown_heatmap/topdown_heatmap_r18_mouse_imp.py'
RTMO = 'mmpose::body_2d_keypoint/rtmo/coco/rtmo-s_8xb32-600e_coco-640x640.py'
TWO_STAGE = 'mmlth::lth/mask_rcnn/mask_rcnn_tiny_shapes_imp.py'


def run(path, images):
    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {'image': images.numpy()})))


def assert_same(result, expected):
    assert len(result) == len(expected)
    for one, other in zip(result, expected):
        assert other.abs().max() > 0
        np.testing.assert_allclose(one, other.numpy(), rtol=1e-3, atol=1e-4 * other.abs().max())


@torch.no_grad()
@pytest.mark.parametrize(
    ('name', 'part', 'names'),
    [
        (RTMDET, 'features', 'feat0 feat1 feat2'),
        (TWO_STAGE, 'features', 'feat0 feat1 feat2 feat3 feat4'),
        (RTMPOSE, 'network', 'simcc_x simcc_y'),
        (HEATMAP, 'network', 'heatmaps'),
        (
            RTMDET,
            'network',
            'cls_scores0 cls_scores1 cls_scores2 bbox_preds0 bbox_preds1 bbox_preds2',
        ),
    ],
)
def test_the_file_computes_what_a_stock_model_with_the_ticket_does(
    name, part, names, tickets, tmp_path
):
    done = export_ticket(tickets(name), tmp_path / 'x.onnx', part=part)

    model = build_model(read_config(name)).eval()
    model.load_state_dict(load_ticket(tickets(name)).state_dict())
    # The file was traced with one image.
    for images in (torch.randn(2, 3, *done.size), torch.randn(1, 3, *done.size)):
        expected = model.extract_feat(images) if part == 'features' else model(images, None)
        if part == 'network' and name == RTMDET:
            expected = [tensor for kind in expected for tensor in kind]
        result = run(tmp_path / 'x.onnx', images)
        assert list(result) == list(done.outputs) == names.split()
        assert_same(result.values(), [expected] if name == HEATMAP else expected)
    assert done.any_batch
    assert 0 < done.difference.absolute < 1e-3
    assert 0 < done.difference.relative < 1e-3


@pytest.mark.parametrize('name', [RTMPOSE, RTMDET])  # with linear layers, with shared ones
def test_weights_keep_names_and_bits_so_pruned_ones_are_zero(name, tickets, tmp_path):
    export_ticket(tickets(name), tmp_path / 'x.onnx', part='network', check=False)
    ticket = load_ticket(tickets(name))
    graph = onnx.load(tmp_path / 'x.onnx').graph
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    names = ticket.mask.keys() & stored.keys()
    parameters = build_model(read_config(name)).named_parameters()  # shared ones by one name
    assert names == {name for name, _ in parameters} & ticket.mask.keys()
    for name in names:
        assert stored[name].tobytes() == ticket.weights[name].numpy().tobytes()
        assert not stored[name][~ticket.mask[name].numpy()].any()


def test_a_masked_model_gives_the_file_of_a_stock_one(tmp_path):
    config = read_config(TWO_STAGE, {'model.backbone.conv_cfg.type': 'mmlth.MaskedConv2d'})
    masked = masked_model(config)
    seen = set()
    masked.backbone.conv1.register_forward_pre_hook(lambda module, _: seen.add(type(module)))
    stock = build_model(read_config(TWO_STAGE))
    stock.load_state_dict(masked.state_dict())
    for name, model in (('masked', masked), ('stock', stock)):
        export_model(model, tmp_path / name, size=(64, 64), check=False)
    assert (tmp_path / 'masked').read_bytes() == (tmp_path / 'stock').read_bytes()
    assert seen == {nn.Conv2d}
    assert isinstance(masked.backbone.conv1, Masked)
    assert stock.training


def test_a_model_that_prepares_itself_for_export(tmp_path):
    model = build_model(read_config(RTMO, {'model.backbone.init_cfg': None}))
    done = export_model(model, tmp_path / 'x.onnx', size=(64, 96), part='network')
    assert len(done.outputs) == 8


def test_the_second_stage_of_a_detector_is_refused(tickets, tmp_path):
    with pytest.raises(LotteryError, match=r'second stage.*RoI.*--part features'):
        export_ticket(tickets(TWO_STAGE), tmp_path / 'x.onnx', part='network')
    assert not list(tmp_path.iterdir())


def test_images_are_as_large_as_in_validation_and_padded_as_the_model_pads_them(tickets, tmp_path):
    config = read_config(TWO_STAGE)
    config.val_dataloader.dataset.pipeline[1].scale = (150, 90)
    save(masked_model(config), config, tmp_path / 'ticket')
    done = export_ticket(tmp_path / 'ticket', tmp_path / 'x.onnx', check=False)
    assert done.size == (96, 160)
    assert export_ticket(
        tmp_path / 'ticket', tmp_path / 'x.onnx', size=(64, 96), check=False
    ).size == (64, 96)


class Features(nn.Module):
    """A backbone whose features are what ``compute`` makes of its convolution's."""

    def __init__(self, compute):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.compute = compute

    def extract_feat(self, images):
        return [self.compute(self.conv(images))]


def wrong_when_exported(features):
    return features * (2 if torch.onnx.is_in_onnx_export() else 1)


def test_a_file_that_computes_otherwise_is_not_written(tmp_path):
    model = Features(wrong_when_exported)
    (tmp_path / 'x.onnx').write_text('an earlier one')
    with pytest.raises(LotteryError, match=r'otherwise than torch.* 1 of the largest number'):
        export_model(model, tmp_path / 'x.onnx', size=(8, 8))
    assert [path.read_text() for path in tmp_path.iterdir()] == ['an earlier one']
    assert export_model(model, tmp_path / 'x.onnx', size=(8, 8), check=False).difference is None
    assert onnx.load(tmp_path / 'x.onnx').graph.node


def test_where_the_model_fixes_the_number_of_images_the_file_takes_one(tmp_path):
    model = Features(lambda features: features / int(features.shape[0]))
    done = export_model(model, tmp_path / 'x.onnx', size=(8, 8))
    assert not done.any_batch
    with pytest.raises(Exception, match='Got: 2 Expected: 1'):
        run(tmp_path / 'x.onnx', torch.randn(2, 3, 8, 8))


def test_where_no_file_for_any_number_of_images_can_be_made_it_takes_one(tmp_path, monkeypatch):
    def of_one_only(part, image, expected, axes, opset):
        if axes:
            raise LotteryError('torch cannot export this')
        return trace(part, image, expected, axes, opset)

    monkeypatch.setattr('mmlth.engine.exporting.export.trace', of_one_only)
    done = export_model(Features(lambda features: features), tmp_path / 'x.onnx', size=(8, 8))
    assert not done.any_batch
    assert done.difference.tolerable


REFUSED = {
    'has operators that ONNX lacks.*: MMCVDeformConv2d': DeformConv2dPack(4, 4, 3, padding=1),
    'cannot export Features to ONNX: .*aten::cummax': lambda features: features.cummax(1).values,
    'computes NaN': lambda features: features / features.new_zeros(()) * 0,
    'computes nothing': lambda features: None,
    'from an image of 8 × 8 alone: RuntimeError: .*--input-size': lambda x: x.reshape(-1, 7),
}


@pytest.mark.parametrize('message', REFUSED)
def test_what_cannot_be_exported_is_one_line(message, tmp_path, capfd):
    with pytest.raises(LotteryError, match=message) as caught:
        export_model(Features(REFUSED[message]), tmp_path / 'x.onnx', size=(8, 8))
    assert '\n' not in str(caught.value)
    assert not list(tmp_path.iterdir())
    assert not capfd.readouterr().out


def test_other_bad_input(tmp_path):
    model = ToyModel()
    for message, changes in {
        'has no `extract_feat`': {},
        "no part 'head'; it must be one of features, network": {'part': 'head'},
        'opset': {'part': 'network', 'opset': 99},
    }.items():
        with pytest.raises(LotteryError, match=message):
            export_model(model, tmp_path / 'x.onnx', size=(8, 8), **changes)
    (tmp_path / 'file').touch()
    with pytest.raises(LotteryError, match=r'file/x\.onnx cannot be written'):
        export_model(model, tmp_path / 'file/x.onnx', size=(8, 8), part='network')


def test_missing_packages(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'onnxruntime', None)
    with pytest.raises(LotteryError, match=r"onnxruntime.*pip install 'mmlth\[export\]'"):
        export_model(ToyModel(), tmp_path / 'x', size=(8, 8), part='network')
    export_model(ToyModel(), tmp_path / 'x', size=(8, 8), part='network', check=False)
    monkeypatch.setitem(sys.modules, 'onnx', None)
    with pytest.raises(LotteryError, match='package onnx,'):
        export_model(ToyModel(), tmp_path / 'x', size=(8, 8), part='network', check=False)


@pytest.mark.parametrize(
    ('kind', 'argument'), [('mmengine.call_command', 'cmd'), ('subprocess.Popen', 'args')]
)
def test_a_ticket_can_have_nothing_called(kind, argument, tmp_path):
    model = {'type': kind, argument: ['touch', str(tmp_path / 'called')]}
    save_ticket(Ticket(attached_mask(ToyModel()), {}, {'config': {'model': model}}), tmp_path / 't')
    with pytest.raises(LotteryError):
        export_ticket(tmp_path / 't', tmp_path / 'x.onnx', size=(8, 8))
    assert [path.name for path in tmp_path.iterdir()] == ['t']
