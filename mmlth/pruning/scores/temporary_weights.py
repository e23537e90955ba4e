"""A network with other weights for a while, and its gradients there."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from mmlth.pruning.errors import PruningError
from mmlth.pruning.score_inputs import ScoreInputs


class NotFiniteError(PruningError):
    """What the network computes with these weights is not finite; with others it may be."""


@contextmanager
def temporary_weights(
    inputs: ScoreInputs,
    state: Mapping[str, Tensor],
    train: bool,
    dtype: torch.dtype | None = None,
) -> Iterator[dict[str, nn.Parameter]]:
    """Gives the network other weights; afterwards everything about it is as it was before.

    That is its weights, buffers (running statistics among them), gradients, which of its parameters
    need gradients, whether its modules are in training mode, and torch's random numbers. In between
    these are seeded by ``inputs.seed``.

    Args:
        inputs: Has the network.
        state: Tensors by name, of the network's shapes; what it does not name stays.
        train: Whether the network is in training mode.
        dtype: The dtype of all its floating tensors meanwhile.

    Yields:
        The parameters that the mask is about, by name.

    Raises:
        PruningError: If there is no network, or a weight of the mask is no parameter of it.
    """
    model = inputs.network.model
    parameters = {name: _parameter(model, name) for name in inputs.mask}
    tensors = dict(_tensors(model))
    before = [
        (tensor, tensor.data, tensor.requires_grad, tensor.grad) for tensor in tensors.values()
    ]
    buffers = [(module, dict(module._buffers)) for module in model.modules()]
    modes = [(module, module.training) for module in model.modules()]
    devices = sorted({t.device.index or 0 for t in tensors.values() if t.is_cuda})
    with torch.random.fork_rng(devices):
        torch.manual_seed(inputs.seed)
        try:
            for name, tensor in tensors.items():
                tensor.grad = None
                _place(tensor, state.get(name, tensor.data), name, dtype)
            model.train(train)  # some backbones freeze their first stages here
            for parameter in parameters.values():
                parameter.requires_grad_(True)
            yield parameters
        finally:
            for module, own in buffers:
                module._buffers.clear()
                module._buffers.update(own)
            for tensor, data, needed, gradient in before:
                tensor.data = data
                tensor.requires_grad_(needed)
                tensor.grad = gradient
            for module, mode in modes:
                module.training = mode


def loss_gradients(
    inputs: ScoreInputs, state: Mapping[str, Tensor], batches: int, square: bool = False
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The weights that the mask is about, and the gradient of the training loss there.

    Args:
        inputs: Has the network.
        state: The network's tensors at which it is taken; see `ScoreInputs.state`.
        batches: Number of batches that it is summed over.
        square: Whether to sum the squares of the batches' gradients instead.

    Returns:
        Copies of the weights, and the sums, by name.

    Raises:
        PruningError: If the inputs do not suffice.
        NotFiniteError: If a loss is not finite.
    """
    with temporary_weights(inputs, state, train=True) as parameters:
        sums = {name: torch.zeros_like(p, requires_grad=False) for name, p in parameters.items()}
        for loss in inputs.network.losses(batches):
            check_finite(loss, 'the training loss')
            loss.backward()
            for name, parameter in parameters.items():
                if parameter.grad is not None:
                    sums[name] += parameter.grad.square() if square else parameter.grad
            for parameter in inputs.network.model.parameters():
                parameter.grad = None
        return {name: p.detach().clone() for name, p in parameters.items()}, sums


def check_finite(value: Tensor, what: str) -> None:
    """Refuses what cannot rank anything.

    Args:
        value: A scalar.
        what: What it is, for the message.

    Raises:
        NotFiniteError: If it is not finite.
    """
    if not bool(value.isfinite()):
        raise NotFiniteError(f'{what} is {float(value)}, by which nothing can be ranked')


def check_count(score: Any, key: str) -> None:
    """Refuses what is no number of batches or steps.

    Args:
        score: A score with options.
        key: The name of the attribute that is to be a number.

    Raises:
        PruningError: If the attribute is no whole number of at least 1.
    """
    value = getattr(score, key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise PruningError(f'{key} must be a whole number of at least 1, got {value!r}')


def _parameter(model: nn.Module, name: str) -> nn.Parameter:
    try:
        return model.get_parameter(name)
    except AttributeError as error:
        raise PruningError(
            f'the network has no parameter {name!r}, which the mask names'
        ) from error


def _tensors(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from model.named_parameters()
    yield from model.named_buffers()


def _place(tensor: Tensor, value: Tensor, name: str, dtype: torch.dtype | None) -> None:
    if value.shape != tensor.shape:
        raise PruningError(
            f'{name!r} has shape {tuple(value.shape)}, in the network {tuple(tensor.shape)}'
        )
    wanted = dtype if dtype is not None and tensor.is_floating_point() else tensor.dtype
    # A copy, since the network may change its buffers in place.
    tensor.data = value.detach().to(tensor.device, wanted, copy=True)
