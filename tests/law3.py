"""Law 3 on any module: under a mask it trains, at each step, as a dense twin says that it must."""

import copy

import torch
from torch import nn

from mmlth.pruning import Mask, attach_mask, find_targets, prune, revived


def prune_half(model):
    """Masks the smaller half of each weight that may be pruned, predictors included."""
    halves = {}
    for target in find_targets(model, predictors=True):
        halves.update(prune({target.name: target.parameter}, sparsity=0.5))
    mask = Mask(halves)
    attach_mask(model, mask)
    return mask


def square(output):
    """A loss that pulls at every output."""
    outputs = output if isinstance(output, (tuple, list)) else [output]
    return sum(o.float().square().sum() for o in outputs if torch.is_tensor(o))


def train_under_mask(model, mask, twin, run, steps=3, tolerance=1e-5, run_twin=None):
    """Trains with momentum, decay and clipping; ``twin`` is a stock module, densely trained.

    Args:
        model: Under ``mask``.
        mask: What `prune_half` drew.
        twin: A stock module of the same kind.
        run: Runs a module and returns its output.
        steps: Steps of the optimizer.
        tolerance: Of the gradients, relative to the largest.
        run_twin: Runs ``twin``, where that differs.
    """
    parameters = dict(model.named_parameters())
    before = {name: parameters[name].detach().clone() for name in mask}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=0.1)
    for _ in range(steps):
        expected = dense_gradients(model, twin, run_twin or run)
        idle = [name for name, kept in mask.items() if not expected[name][~kept].any()]
        assert not idle, f'proves nothing: {idle}'
        for name, kept in mask.items():
            expected[name] = expected[name] * kept
        optimizer.zero_grad()
        square(run(model)).backward()
        gradients = {n: p.grad for n, p in parameters.items() if p.grad is not None}
        assert gradients.keys() == expected.keys()
        for name, gradient in gradients.items():
            largest = float(expected[name].abs().max())
            assert (gradient - expected[name]).abs().max() <= tolerance * max(1, largest), name
        assert_zero(gradients, mask)
        survivors = torch.stack([g.float().norm() for g in expected.values()]).norm()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        torch.testing.assert_close(norm.float(), survivors, rtol=max(1e-4, tolerance), atol=1e-6)
        optimizer.step()
        assert_zero(parameters, mask)
        moments = {name: optimizer.state[parameters[name]]['momentum_buffer'] for name in mask}
        assert_zero(moments, mask)
    for name, kept in mask.items():
        assert (parameters[name] != before[name])[kept].any(), f'{name} does not train'
    assert revived(model) == []


def dense_gradients(model, twin, run):
    """The gradients that a stock module of the same weights has, pruned weights included."""
    twin.load_state_dict(model.state_dict())
    for ours, theirs in zip(model.modules(), twin.modules()):
        theirs.training = ours.training  # some backbones keep their norms in evaluation mode
    twin.zero_grad()
    square(run(twin)).backward()
    return {name: p.grad.clone() for name, p in twin.named_parameters() if p.grad is not None}


def assert_zero(tensors, mask):
    for name, kept in mask.items():
        assert not tensors[name][~kept].any(), name


def assert_same_output(model, stock, run):
    """A stock module with the masked weights computes the very same."""
    stock.load_state_dict(model.state_dict())
    model.eval()
    stock.eval()
    with torch.no_grad():
        ours, theirs = run(model), run(stock)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


def assert_law_3(make, run, *, names=None, prepare=lambda model: None, **options):
    """The whole check.

    Args:
        make: Makes the module.
        run: Runs it.
        names: What must be pruned; by default what has more than one dimension.
        prepare: Changes the model once it is masked.
        options: See `train_under_mask`.
    """
    torch.manual_seed(0)
    model: nn.Module = make()
    twin = copy.deepcopy(model)
    mask = prune_half(model)
    if names is None:
        names = [name for name, parameter in model.named_parameters() if parameter.dim() > 1]
    assert list(mask) == list(names)
    prepare(model)
    train_under_mask(model, mask, twin, run, **options)
    assert_same_output(model, make(), run)
    return model, mask
