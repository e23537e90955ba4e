"""What other tools make of a masked model: as of a stock one, some of them once it is detached."""

import copy
import io

import mmcv.cnn
import pytest
import torch
from mmcv.cnn.utils import fuse_conv_bn
from mmengine.analysis import get_model_complexity_info
from torch import nn
from torch.ao import quantization
from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx
from torch.fx.experimental import optimization

from mmlth import attach_mask, detach_mask, find_targets, masked, prune

INPUT = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))


class Net(nn.Module):
    """What is fused, quantised and counted."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.bn = nn.BatchNorm2d(8)
        self.relu = nn.ReLU()
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(8 * 36, 4)

    def forward(self, x):
        return self.fc(self.flatten(self.relu(self.bn(self.conv(x)))))


@pytest.fixture
def models():
    """A stock model with zeros, and the same under a mask."""
    torch.manual_seed(0)
    model = Net()
    model(INPUT)  # so that the statistics are not those of the start
    model.eval()
    mask = prune({t.name: t.parameter for t in find_targets(model)}, sparsity=0.5)
    model.load_state_dict(masked(model.state_dict(), mask))
    pruned = copy.deepcopy(model)
    attach_mask(pruned, mask)
    assert type(pruned.fc) is not nn.Linear
    return model, pruned


def kinds(model):
    """The names of the classes of the layers, the package included."""
    return [f'{type(m).__module__}.{type(m).__qualname__}' for m in model.modules()][1:]


def macs(model):
    result = get_model_complexity_info(model, tuple(INPUT.shape[1:]))
    return result['flops'], result['params']


def saved(model):
    file = io.BytesIO()
    torch.onnx.export(model, (INPUT,), file, dynamo=False)
    return file.getvalue()


AS_THEY_ARE = {
    'fuse_conv_bn of mmcv': lambda model: kinds(fuse_conv_bn(model)),
    'fuse_conv_bn_eval of torch': lambda model: nn.utils.fusion.fuse_conv_bn_eval(
        model.conv, model.bn
    ).weight.tolist(),
    'torch.fx': lambda model: [str(node) for node in torch.fx.symbolic_trace(model).graph.nodes],
    'torch.export': lambda model: torch.export.export(model, (INPUT,)).module()(INPUT).tolist(),
    'torch.compile': lambda model: torch.compile(model, backend='eager', fullgraph=True)(
        INPUT
    ).tolist(),
    'torch.jit': lambda model: torch.jit.freeze(torch.jit.script(model))(INPUT).tolist(),
    'ONNX': lambda model: len(saved(model)),
    'MACs of MMEngine': macs,
}


@pytest.mark.parametrize('tool', AS_THEY_ARE)
def test_tools_that_take_masked_layers_for_what_they_are(models, tool):
    stock, pruned = models
    expected = AS_THEY_ARE[tool](stock)
    assert expected
    assert AS_THEY_ARE[tool](pruned) == expected


def static(model):
    model.qconfig = quantization.default_qconfig
    prepared = quantization.prepare(model)
    prepared(INPUT)
    return kinds(quantization.convert(prepared))


def aware(model):
    model.qconfig = quantization.get_default_qat_qconfig()
    return kinds(quantization.prepare_qat(model.train()))


def graph(model):
    prepared = prepare_fx(model, quantization.get_default_qconfig_mapping(), (INPUT,))
    prepared(INPUT)
    return kinds(convert_fx(prepared))


EXACT = {
    'quantize_dynamic': lambda model: kinds(quantization.quantize_dynamic(model, {nn.Linear})),
    'static': static,
    'aware of it in training': aware,
    'prepare_fx': graph,
    'fuse_modules': lambda model: kinds(quantization.fuse_modules(model, [['conv', 'bn', 'relu']])),
    'fuse of torch.fx': lambda model: kinds(optimization.fuse(model)),
    'MACs of mmcv': lambda model: mmcv.cnn.get_model_complexity_info(
        model, tuple(INPUT.shape[1:]), print_per_layer_stat=False, as_strings=False
    ),
}


@pytest.mark.parametrize('tool', EXACT)
@pytest.mark.filterwarnings('ignore')
def test_tools_that_look_up_classes_do_once_the_mask_is_detached(models, tool):
    stock, pruned = models
    detach_mask(pruned)
    expected = EXACT[tool](stock)
    assert expected
    assert EXACT[tool](pruned) == expected
