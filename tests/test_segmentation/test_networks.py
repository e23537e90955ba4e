"""A segmenter as a network: its images, its file for other runtimes, its speed, its transfer."""

import numpy as np
import onnxruntime
import pytest
import torch
from exports import masked_model, save
from segments import segments_config
from torch import nn

import mmlth
from mmlth.engine import build_model, read_config
from mmlth.engine.configs.image_size import ImageSize, validation_size
from mmlth.engine.exporting.export import export_ticket
from mmlth.engine.exporting.ticket_model import ticket_model
from mmlth.engine.models.forward import image_batch
from mmlth.engine.transfer.heads import task_heads
from mmlth.runtime import SparseConv2d
from mmlth.ticket import load_ticket

pytest.importorskip('mmseg', reason='mmsegmentation is not installed')
from mmseg.models.backbones import ResNet

S2 = 'mmlth::lth/deeplabv3plus/deeplabv3plus_r50_voc12_s2.py'


@pytest.fixture(scope='module')
def config(segments, tmp_path_factory):
    return segments_config(segments, tmp_path_factory.mktemp('config'))


@pytest.fixture(scope='module')
def ticket(config, tmp_path_factory):
    path = tmp_path_factory.mktemp('ticket') / 'x.safetensors'
    save(masked_model(config), config, path)
    return path


@pytest.mark.parametrize(
    ('name', 'size'),
    [
        (S2, ImageSize(512, 2048, at_most=True)),
        # By a sliding window, of height and width.
        ('mmseg::fcn/fcn_r50-d8_4xb2-40k_cityscapes-769x769.py', ImageSize(769, 769)),
        ('mmseg::vit/vit_deit-s16_upernet_8xb2-80k_ade20k-512x512.py', None),
        ('mmlth::lth/sem_fpn/sem_fpn_r18_nuclei_imp.py', ImageSize(256, 256, at_most=True)),
    ],
)
def test_sizes_of_validated_images(name, size):
    assert validation_size(read_config(name)) == (size or ImageSize(512, 2048, at_most=True))


def test_a_window_is_as_high_as_its_first_number_says():
    model = {'test_cfg': {'mode': 'slide', 'crop_size': (64, 96), 'stride': (32, 32)}}
    assert validation_size({'model': model}) == ImageSize(height=64, width=96)


def test_images_are_padded_as_in_validation(config, ticket, tmp_path):
    path = tmp_path / 'x.safetensors'
    padded = config.copy()
    padded.model = {**config.model}
    padded.model['data_preprocessor'] = {
        **config.model['data_preprocessor'],
        'test_cfg': {'size_divisor': 32},
    }
    images, samples = image_batch(build_model(padded), 40, 70)
    assert images.shape == (1, 3, 64, 96)
    assert samples[0].img_padding_size == (0, 26, 0, 24)
    save(masked_model(padded), padded, path)
    assert ticket_model(path).size == (64, 64)  # of 48 × 48
    assert ticket_model(ticket).size == (48, 48)


@torch.no_grad()
@pytest.mark.parametrize(
    ('part', 'names'), [('network', ['seg_logits']), ('features', [f'feat{i}' for i in range(4)])]
)
def test_the_file_computes_what_the_ticket_does(config, ticket, tmp_path, part, names):
    done = export_ticket(ticket, tmp_path / 'x.onnx', part=part)
    model = build_model(config).eval()
    model.load_state_dict(load_ticket(ticket).state_dict())
    images = torch.randn(2, 3, *done.size)
    outputs = model.extract_feat(images) if part == 'features' else [model(images)]
    session = onnxruntime.InferenceSession(
        str(tmp_path / 'x.onnx'), providers=['CPUExecutionProvider']
    )
    assert [output.name for output in session.get_outputs()] == names
    for one, other in zip(session.run(names, {'image': images.numpy()}), outputs):
        scale = float(other.abs().max())
        assert scale > 0
        np.testing.assert_allclose(one, other.numpy(), rtol=1e-3, atol=1e-4 * scale)


@torch.no_grad()
def test_a_segmenter_is_accelerated_as_it_is(config, ticket, always_sparse):
    model = build_model(config).eval()
    model.load_state_dict(load_ticket(ticket).state_dict())
    fast = mmlth.accelerate(model, (64, 96), show=None).model
    assert any(isinstance(module, SparseConv2d) for module in fast.decode_head.modules())
    images = torch.randn(1, 3, 64, 96)
    torch.testing.assert_close(fast(images), model(images), rtol=1e-3, atol=1e-4)


def test_a_pretrained_backbone_goes_into_a_segmenter(tmp_path):
    """As torchvision's file names it; of S2's choice all but the first convolution is masked."""
    torch.manual_seed(0)
    backbone = ResNet(50)
    fc = nn.Linear(2048, 1000)
    state = {**backbone.state_dict(), 'fc.weight': fc.weight.detach(), 'fc.bias': fc.bias.detach()}
    torch.save(state, tmp_path / 'resnet50.pth')
    own = {'model.backbone.init_cfg': None}
    done = mmlth.transfer(
        tmp_path / 'resnet50.pth', S2, sparsity=0.8, input='torchvision', cfg_options=own
    )
    assert set(done.names.unused) == {'fc.weight', 'fc.bias'}
    assert not done.names.mismatched
    assert done.weights(done.transplant.masked) == 23_445_504
    assert all(name.startswith(('decode_head.', 'auxiliary_head.')) for name in done.names.missing)
    kept = sum(int(kept.count_nonzero()) for kept in done.ticket.mask.values())
    assert kept == 23_445_504 - round(23_445_504 * 0.8)
    build_model(read_config(S2, own)).load_state_dict(done.ticket.state_dict())


def test_heads_are_of_the_task(config):
    model = build_model(config)
    left = task_heads(model, model.state_dict())
    assert {name.partition('.')[0] for name in left} == {'decode_head', 'auxiliary_head'}
    heads = {n for n in model.state_dict() if n.startswith(('decode_head.', 'auxiliary_head.'))}
    assert left == heads
