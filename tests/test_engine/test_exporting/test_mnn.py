"""Files of MNN compute what the ticket's model does, and their sparse layers are marked."""

import json
import os
import subprocess
import sys

import MNN
import numpy as np
import onnx
import pytest
import torch
from torch import nn

from mmlth.engine import LotteryError, build_model, read_config
from mmlth.engine.exporting import RuntimeProcess, layers_in
from mmlth.engine.exporting.export import export_model, export_ticket
from mmlth.engine.exporting.runtime_process import SCRIPTS
from mmlth.ticket import load_ticket

RTMDET = 'mmlth::lth/rtmdet/rtmdet_tiny_bccd_imp.py'
RTMPOSE = 'mmlth::lth/rtmpose/rtmpose_tiny_mouse_imp.py'
HEATMAP = 'mmlth::lth/topdown_heatmap/topdown_heatmap_r18_mouse_imp.py'
SIZES = {RTMDET: (64, 96), RTMPOSE: (160, 160), HEATMAP: (64, 96)}


def run(path, images):
    """The outputs by name, by MNN's interface of sessions, which mmlth does not use."""
    interpreter = MNN.Interpreter(str(path))
    session = interpreter.createSession({'numThread': 1, 'precision': 'high'})
    taken = interpreter.getSessionInput(session)
    shape = tuple(images.shape)
    interpreter.resizeTensor(taken, shape)
    interpreter.resizeSession(session)
    layout = MNN.Tensor_DimensionType_Caffe
    taken.copyFrom(MNN.Tensor(shape, MNN.Halide_Type_Float, images.numpy(), layout))
    interpreter.runSession(session)
    results = {}
    for name, output in interpreter.getSessionOutputAll(session).items():
        plain = MNN.Tensor(
            output.getShape(),
            MNN.Halide_Type_Float,
            np.zeros(output.getShape(), np.float32),
            layout,
        )
        output.copyToHostTensor(plain)
        results[name] = np.array(plain.getData(), np.float32).reshape(output.getShape())
    return results


@torch.no_grad()
@pytest.mark.parametrize(
    ('name', 'part'),
    [(RTMDET, 'features'), (RTMDET, 'network'), (RTMPOSE, 'network'), (HEATMAP, 'network')],
)
def test_the_file_computes_what_a_stock_model_with_the_ticket_does(
    name, part, tickets, tmp_path, capfd
):
    size = SIZES[name]
    done = export_ticket(tickets(name), tmp_path / 'x.mnn', part=part, size=size)
    assert not capfd.readouterr().out  # the converter and the engine print much

    model = build_model(read_config(name)).eval()
    model.load_state_dict(load_ticket(tickets(name)).state_dict())
    for count in (2, 1):
        images = torch.randn(count, 3, *size)
        expected = model.extract_feat(images) if part == 'features' else model(images, None)
        if part == 'network' and name == RTMDET:
            expected = [tensor for kind in expected for tensor in kind]
        results = run(tmp_path / 'x.mnn', images)
        assert results.keys() == set(done.outputs)
        for output, tensor in zip(done.outputs, [expected] if name == HEATMAP else expected):
            assert tensor.abs().max() > 0
            limit = 1e-4 * tensor.abs().max()
            np.testing.assert_allclose(results[output], tensor.numpy(), rtol=1e-3, atol=limit)
    assert (done.runtime, done.any_batch) == ('mnn', True)
    assert 0 < done.difference.relative < 1e-3
    assert 0 < done.sparse.marked <= done.sparse.layers
    assert done.path.stat().st_size < 0.6 * done.sparse.dense_bytes


class Features(nn.Module):
    """Convolutions whose maps are all features."""

    def __init__(self, channels=3, compute=lambda features: features, layers=1):
        super().__init__()
        inner = [nn.Conv2d(16, 16, 3, padding=1) for _ in range(layers - 1)]
        self.convs = nn.ModuleList([nn.Conv2d(channels, 16, 3, padding=1), *inner])
        self.compute = compute

    def extract_feat(self, images):
        maps = [images]
        for convolution in self.convs:
            maps.append(convolution(maps[-1]))
        return tuple(self.compute(features) for features in maps[1:])


def test_layers_are_marked_where_more_than_60_per_cent_are_zero(tmp_path):
    model = Features(layers=5)
    shares = [0.3, 0.59, 0.61, 0.9, 1.0]
    for convolution, share in zip(model.convs, shares):
        weight = convolution.weight.data
        weight.view(-1)[: round(share * weight.numel())] = 0
    done = export_model(model, tmp_path / 'x.mnn', size=(8, 8))
    assert (done.sparse.marked, done.sparse.layers) == (3, 5)
    dense = export_model(Features(layers=5), tmp_path / 'dense.mnn', size=(8, 8))
    assert dense.sparse.marked == 0
    assert dense.sparse.dense_bytes == (tmp_path / 'dense.mnn').stat().st_size


def layers_of(path):
    """The parameters of all layers with weights, as MNN's own converter writes them in JSON."""
    converter = [sys.executable, SCRIPTS / 'convert_to_mnn.py', '-f', 'MNN', '--modelFile', path]
    subprocess.run([*converter, '--JsonFile', path.with_suffix('.json')], check=True)  # noqa: S603
    operators = json.loads(path.with_suffix('.json').read_text())['oplists']
    return [each['main'] for each in operators if each.get('main_type') == 'Convolution2D']


def test_layers_are_those_that_the_converter_tells(tickets, tmp_path):
    """One of them is split: it has groups."""
    model = Features(layers=2)
    model.convs.append(nn.Conv2d(16, 16, 3, padding=1, groups=2))
    model.convs.append(nn.Conv2d(16, 16, 3, padding=1, groups=16))
    for convolution in model.convs[1:]:
        convolution.weight.data[:, :, 1:] = 0
    export_model(model, tmp_path / 'small.mnn', size=(8, 8))
    export_ticket(tickets(RTMPOSE), tmp_path / 'x.mnn', size=SIZES[RTMPOSE], part='network')
    for path in (tmp_path / 'small.mnn', tmp_path / 'x.mnn'):
        layers = layers_of(path)
        marked = sum('sparseParameter' in layer for layer in layers)
        assert layers_in(path.read_bytes()) == (marked, len(layers))
        assert 0 < marked < len(layers)


@torch.no_grad()
@pytest.mark.parametrize(('block', 'kernels'), [(4, [4, 4]), (1, [1, 1]), (2, [1, 1])])
def test_weights_in_blocks_of_four_outputs_have_kernels_of_their_own(block, kernels, tmp_path):
    torch.manual_seed(0)
    model = Features(layers=3)
    for convolution in model.convs[1:]:
        kept = torch.rand(16 // block, 1, *convolution.weight.shape[1:]) > 0.8
        convolution.weight *= kept.expand(-1, block, -1, -1, -1).reshape(convolution.weight.shape)
    done = export_model(model, tmp_path / 'x.mnn', size=(9, 7))
    assert done.sparse.marked == 2
    images = torch.randn(1, 3, 9, 7)
    for name, expected in zip(done.outputs, model.extract_feat(images)):
        result = run(tmp_path / 'x.mnn', images)[name]
        np.testing.assert_allclose(result, expected.numpy(), rtol=1e-4, atol=1e-5)
    marks = [layer.get('sparseParameter', {}) for layer in layers_of(tmp_path / 'x.mnn')]
    values = [value for mark in marks for value in mark.get('args', [])]
    assert [each['i'] for each in values if each['key'] == 'sparseBlockOC'] == kernels


@torch.no_grad()
def test_transposed_convolutions_do_not_hide_the_blocks_of_others(tmp_path):
    """Their outputs are another dimension of the weight, so their blocks lie otherwise."""

    class Deconvolving(Features):
        def extract_feat(self, images):
            (features,) = super().extract_feat(images)[-1:]
            return (self.deconv(features),)

    torch.manual_seed(0)
    model = Deconvolving(layers=3)
    model.deconv = torch.nn.ConvTranspose2d(16, 16, 4, 2, 1)
    for layer in (*model.convs[1:], model.deconv):
        outputs = 1 if layer is model.deconv else 0
        kept = torch.rand(4, 1, 16, *layer.kernel_size).expand(-1, 4, -1, -1, -1).flatten(0, 1)
        layer.weight *= (kept > 0.8).transpose(0, outputs)
    export_model(model, tmp_path / 'x.mnn', size=(9, 7))
    marks = [layer.get('sparseParameter', {}) for layer in layers_of(tmp_path / 'x.mnn')]
    values = [value for mark in marks for value in mark.get('args', [])]
    blocks = [each['i'] for each in values if each['key'] == 'sparseBlockOC']
    assert blocks.count(4) >= 2


@pytest.mark.parametrize('channels', [1, 4])
@pytest.mark.parametrize('suffix', ['onnx', 'mnn'])
def test_images_have_as_many_channels_as_the_model_takes(suffix, channels, tmp_path):
    done = export_model(Features(channels), tmp_path / f'x.{suffix}', size=(8, 12))
    assert done.any_batch
    assert done.difference.relative < 1e-5


@torch.no_grad()
@pytest.mark.parametrize('size', [(1, 1), (1, 9), (7, 5), (33, 17)])
def test_any_size_of_images(size, tmp_path):
    torch.manual_seed(0)
    model = Features(layers=2)
    model.convs[1].weight.data.view(-1)[:2100] = 0
    export_model(model, tmp_path / 'x.mnn', size=size)
    images = torch.randn(3, 3, *size)
    results = run(tmp_path / 'x.mnn', images)
    for name, expected in zip(('feat0', 'feat1'), model.extract_feat(images)):
        np.testing.assert_allclose(results[name], expected.numpy(), rtol=1e-4, atol=1e-5)


def test_where_the_model_fixes_the_number_of_images_the_file_takes_one(tmp_path):
    model = Features(compute=lambda features: features / int(features.shape[0]))
    assert not export_model(model, tmp_path / 'x.mnn', size=(8, 8)).any_batch


def test_the_option_counts_more_than_the_suffix(tmp_path):
    model = Features()
    assert export_model(model, tmp_path / 'x.bin', size=(8, 8), runtime='mnn').sparse
    export_model(model, tmp_path / 'x.mnn', size=(8, 8), runtime='onnx')
    assert onnx.load(tmp_path / 'x.mnn').graph.node
    assert not export_model(model, tmp_path / 'x.onnx', size=(8, 8)).sparse
    with pytest.raises(LotteryError, match="no runtime 'ncnn'; it must be one of onnx, mnn"):
        export_model(model, tmp_path / 'x', size=(8, 8), runtime='ncnn')


def test_what_goes_wrong_is_one_line_and_nothing_is_written(tmp_path, capfd):
    (tmp_path / 'x.mnn').write_text('an earlier one')
    wrong = Features(compute=lambda x: x * (2 if torch.onnx.is_in_onnx_export() else 1))
    for message, model in {
        r'otherwise than torch.* 1 of the largest number': wrong,
        r'MNN cannot convert .*ONNX::Bernoulli': Features(
            compute=lambda x: x.sigmoid().bernoulli()
        ),
    }.items():
        with pytest.raises(LotteryError, match=message) as caught:
            export_model(model, tmp_path / 'x.mnn', size=(8, 8))
        assert '\n' not in str(caught.value)
    assert [path.read_text() for path in tmp_path.iterdir()] == ['an earlier one']
    assert not capfd.readouterr().out


def test_without_the_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'MNN', None)
    with pytest.raises(LotteryError, match=r"MNN.*pip install 'mmlth\[mnn\]'"):
        export_model(Features(), tmp_path / 'x.mnn', size=(8, 8))
    export_model(Features(), tmp_path / 'x.onnx', size=(8, 8))


def test_nothing_is_installed_or_reported(tmp_path, monkeypatch):
    """MNN's own command runs ``pip install`` when it is imported."""
    pip = tmp_path / 'bin/pip'
    pip.parent.mkdir()
    pip.write_text(f'#!/bin/sh\ntouch {tmp_path}/called\n')
    pip.chmod(0o755)
    monkeypatch.setenv('PATH', f'{pip.parent}{os.pathsep}{os.environ["PATH"]}')
    export_model(Features(), tmp_path / 'x.mnn', size=(8, 8))
    assert not (tmp_path / 'called').exists()


def test_a_runtime_that_ends_is_told(tmp_path):
    with RuntimeProcess('mnn', b'no network', ['feat0']) as process:
        with pytest.raises(LotteryError, match='mnn cannot run the file: ') as caught:
            process.run(torch.zeros(1, 3, 8, 8))
        assert '\n' not in str(caught.value)
    export_model(Features(), tmp_path / 'x.mnn', size=(8, 8), check=False)
    with RuntimeProcess('mnn', (tmp_path / 'x.mnn').read_bytes(), ['feat0']) as process:
        process.run(torch.zeros(1, 3, 8, 8))
        assert process.seconds() > 0
        process._process.kill()
        with pytest.raises(LotteryError, match='its process was ended by SIGKILL'):
            process.seconds()
