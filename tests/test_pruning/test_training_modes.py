"""Law 3 in every way of training: checkpointing, compiling, memory formats, AMP, SyncBN."""

import functools

import pytest
import torch
from law3 import assert_law_3, assert_zero, prune_half, square
from mmengine.model import convert_sync_batchnorm, revert_sync_batchnorm
from mmengine.runner.activation_checkpointing import turn_on_activation_checkpointing
from torch import nn
from torch.utils.checkpoint import checkpoint

from mmlth.pruning import attached_mask


def images():
    return torch.randn(4, 3, 6, 6, generator=torch.Generator().manual_seed(1)).double()


class Network(nn.Module):
    """Convolutions, a norm, a linear layer; in double precision, since norms amplify rounding."""

    def __init__(self, use_reentrant=None):
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.block = nn.Sequential(nn.Conv2d(6, 6, 3, groups=2), nn.ReLU(), nn.Conv2d(6, 4, 1))
        self.head = nn.Linear(4, 3)
        self.use_reentrant = use_reentrant
        self.double()

    def forward(self, x):
        x = self.norm(self.stem(x)).relu()
        if self.use_reentrant is None or not self.training:
            x = self.block(x)
        else:
            x = checkpoint(self.block, x, use_reentrant=self.use_reentrant)
        return self.head(x.mean((2, 3)))


def run(module):
    return module(images())


@pytest.mark.parametrize('use_reentrant', [True, False])
def test_activation_checkpointing(use_reentrant):
    model, mask = assert_law_3(lambda: Network(use_reentrant), run)
    # The gradients are those of a network that keeps its activations.
    stored = Network().train()
    stored.load_state_dict(model.state_dict())
    for network in (stored, model.train()):
        network.zero_grad()
        square(run(network)).backward()
    for name, kept in mask.items():
        expected = stored.get_parameter(name).grad * kept
        torch.testing.assert_close(model.get_parameter(name).grad, expected)


def test_activation_checkpointing_of_mmengine():
    # It replaces a module's forward on the instance.
    assert_law_3(
        Network, run, prepare=lambda model: turn_on_activation_checkpointing(model, ['block'])
    )


@pytest.mark.parametrize('first', ['mask', 'compile', 'compile and run'])
def test_compiled_by_dynamo(first):
    compiled = {}

    def run_compiled(module):
        return compiled[id(module)](images()) if id(module) in compiled else run(module)

    def make():
        model = Network()
        if first != 'mask' and not compiled:
            compile_it(model)
        return model

    def compile_it(model):
        compiled[id(model)] = torch.compile(model, backend='aot_eager')
        if first == 'compile and run':
            square(run_compiled(model)).backward()
            model.zero_grad()

    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    prepare = compile_it if first == 'mask' else lambda model: None
    assert_law_3(make, run_compiled, prepare=prepare)
    assert not torch._dynamo.utils.counters['graph_break']


@pytest.mark.slow
def test_compiled_by_inductor():
    torch._dynamo.reset()
    model = nn.Linear(6, 4)
    mask = prune_half(model)
    compiled = torch.compile(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.1)
    x = torch.randn(5, 6)
    for _ in range(3):
        optimizer.zero_grad()
        square(compiled(x)).backward()
        assert_zero({'weight': model.weight.grad}, mask)
        optimizer.step()
    assert_zero({'weight': model.weight}, mask)
    torch.testing.assert_close(compiled(x), model(x))


def test_a_compiled_step_does_not_compile_the_gradient_hooks():
    # MMEngine's compile key compiles the whole step, so that hooks run where dynamo watches.
    model = nn.Sequential(*(nn.Linear(width, width + 1) for width in range(3, 7)))
    mask = prune_half(model)

    @torch.compile(backend='eager')
    def step(x):
        square(model(x)).backward()

    torch._dynamo.reset()
    with torch._dynamo.config.patch(error_on_recompile=True):
        step(torch.randn(2, 3))
    assert_zero({name: p.grad for name, p in model.named_parameters()}, mask)


def test_a_compiled_module_can_be_masked_itself():
    # Its parameters have names of their own, like those of its state_dict.
    model = torch.compile(Network(), backend='eager')
    mask = prune_half(model)
    assert '_orig_mod.stem.weight' in mask
    assert mask.keys() <= model.state_dict().keys()
    square(run(model)).backward()
    assert_zero({name: p.grad for name, p in model.named_parameters()}, mask)


@pytest.mark.parametrize('first', ['mask', 'conversion'])
def test_channels_last(first):
    def convert(model):
        return model.to(memory_format=torch.channels_last)

    make = Network if first == 'mask' else lambda: convert(Network())
    model, _ = assert_law_3(
        make,
        lambda module: module(images().contiguous(memory_format=torch.channels_last)),
        prepare=convert,
    )
    conv = model.stem
    assert conv.weight.is_contiguous(memory_format=torch.channels_last)
    assert conv.pruned['weight'].stride() == conv.weight.stride()  # or each step is slow


def test_channels_last_3d():
    x = torch.randn(2, 2, 4, 4, 4)
    model, _ = assert_law_3(
        lambda: nn.Conv3d(2, 4, 3),
        lambda module: module(x.contiguous(memory_format=torch.channels_last_3d)),
        prepare=lambda model: model.to(memory_format=torch.channels_last_3d),
    )
    assert model.pruned['weight'].stride() == model.weight.stride()


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_autocast(dtype):
    def run_autocast(module):
        with torch.autocast('cpu', dtype=dtype):
            return module(images().float()).float()

    assert_law_3(lambda: Network().float(), run_autocast)


def scaled_training(device):
    """float16 with a loss scale so high that the first step overflows and is skipped."""
    torch.manual_seed(0)
    model = Network().float().to(device)
    mask = prune_half(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=0.1)
    scaler = torch.amp.GradScaler(device, init_scale=2.0**24)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    scales = []
    for _ in range(16):
        optimizer.zero_grad()
        with torch.autocast(device, dtype=torch.float16):
            loss = square(model(images().float().to(device)))
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        gradients = {name: p.grad.cpu() for name, p in model.named_parameters()}
        assert_zero(gradients, mask)  # overflowed ones, too: infinity times zero is no number
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
        scales.append(scaler.get_scale())
        assert_zero({name: p.cpu() for name, p in model.named_parameters()}, mask)
    assert scales[0] < 2.0**24
    for name, kept in mask.items():
        assert (model.get_parameter(name) != before[name]).cpu()[kept].any()


def test_loss_scale():
    scaled_training('cpu')


@pytest.mark.skipif(not torch.cuda.is_available(), reason='there is no GPU')
def test_loss_scale_on_a_gpu():
    scaled_training('cuda')


CONVERSIONS = {
    'of torch': torch.nn.SyncBatchNorm.convert_sync_batchnorm,
    'of mmengine': functools.partial(convert_sync_batchnorm, implementation='torch'),
}


@pytest.mark.parametrize('conversion', CONVERSIONS)
@pytest.mark.parametrize('reverted', [True, False])
def test_sync_bn(conversion, reverted):
    # On a CPU a SyncBN does not train, so it stays in evaluation mode, as under norm_eval.
    def convert(model):
        assert CONVERSIONS[conversion](model) is model
        assert isinstance(model.norm, nn.SyncBatchNorm)
        if reverted:
            revert_sync_batchnorm(model)
            assert not isinstance(model.norm, nn.SyncBatchNorm)
        model.norm.train(reverted)

    assert_law_3(Network, run, prepare=convert)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_a_model_of_half_precision(dtype):
    # Masked in full precision, converted, trained, converted back.
    torch.manual_seed(0)
    model = Network()
    mask = prune_half(model)
    model.to(dtype).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    for _ in range(3):
        optimizer.zero_grad()
        square(model(images().to(dtype))).backward()
        assert_zero({name: p.grad for name, p in model.named_parameters()}, mask)
        optimizer.step()
        assert_zero(dict(model.named_parameters()), mask)
    assert all((model.get_parameter(n) != before[n])[kept].any() for n, kept in mask.items())
    model.float()
    assert_zero(dict(model.named_parameters()), mask)
    assert attached_mask(model) == mask


@pytest.mark.parametrize('swap', [True, False])
def test_converting_and_loading(swap):
    def convert_and_load(model):
        # By a switch of torch, both put new tensors under the old parameters.
        torch.__future__.set_swap_module_params_on_conversion(swap)
        model.float().double()
        model.load_state_dict({n: t.clone() for n, t in model.state_dict().items()})
        torch.__future__.set_swap_module_params_on_conversion(False)

    assert_law_3(Network, run, prepare=convert_and_load)


@pytest.mark.parametrize('set_to_none', [True, False])
def test_gradients_set_to_zero_or_none_and_accumulated(set_to_none):
    model, stock = Network(), Network()
    mask = prune_half(model)
    stock.load_state_dict(model.state_dict())
    for _ in range(2):
        for network in (model, stock):
            network.zero_grad(set_to_none=set_to_none)
            for weight in (1.0, 0.5):
                (weight * square(run(network))).backward()
        for name, kept in mask.items():
            expected = stock.get_parameter(name).grad * kept
            torch.testing.assert_close(model.get_parameter(name).grad, expected)


def test_a_gradient_penalty():
    # w = (1, 2) of which the second is pruned, x = (3, 5): the loss is (w x)^2, its gradient
    # 2 (w x) x = (18, 0), the penalty 18^2; its derivative 2 · 18 · 2 · 3 · 3 by the first weight.
    model = nn.Linear(2, 1, bias=False).double()
    model.weight.data[:] = torch.tensor([[1.0, 0.1]])
    prune_half(model)
    loss = model(torch.tensor([[3.0, 5.0]]).double()).square().sum()
    (gradient,) = torch.autograd.grad(loss, model.weight, create_graph=True)
    assert gradient.tolist() == [[18.0, 0.0]]
    gradient.square().sum().backward()
    assert model.weight.grad.tolist() == [[648.0, 0.0]]
