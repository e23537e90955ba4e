"""Functions of a network whose gradient torch cannot differentiate once more, some silently."""

from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor
from torch.autograd.function import BackwardCFunction
from torch.autograd.graph import Node


def watch_functions(loss: Tensor) -> set[str]:
    """Looks at the gradients of custom functions (`torch.autograd.Function`) as they are computed.

    Torch's own functions raise an error where they have no second derivative. So do those that are
    marked with ``once_differentiable``, as long as their own gradient is no constant. Others give a
    wrong one without a word: where their gradient is computed by compiled code, or from values of
    the forward pass that are neither inputs nor outputs.

    Args:
        loss: The loss with its graph.

    Returns:
        The names of the functions without a second derivative; filled while the gradient of the
        loss is computed with ``create_graph=True``, by what is on the way to the weights.
    """
    names: set[str] = set()
    for node in _nodes(loss):
        if isinstance(node, BackwardCFunction):
            node.register_hook(_look(node, names))
    return names


def _look(node: Any, names: set[str]) -> Callable[..., None]:
    """The hook of a function; it must not hold the node, which holds it."""
    name = node.name().removesuffix('Backward')
    kept = [
        value
        for value in (*node.saved_tensors, *vars(node).values())
        if isinstance(value, Tensor) and value.is_floating_point()
    ]
    depends = any(value.requires_grad for value in kept)
    blind = not all(value.requires_grad for value in kept)

    def look(below: tuple[Tensor | None, ...], above: tuple[Tensor | None, ...]) -> None:
        gradients = [each for each in below if each is not None]
        constant = not depends and not any(
            each is not None and each.requires_grad for each in above
        )
        lost = not any(each.requires_grad for each in gradients) and not constant
        if blind or lost or any(_refuses(each) for each in gradients):
            names.add(name)

    return look


def _refuses(gradient: Tensor) -> bool:
    """Whether differentiating it raises an error, as ``once_differentiable`` has it."""
    return gradient.grad_fn is not None and gradient.grad_fn.name() == 'torch::autograd::Error'


def _nodes(loss: Tensor) -> Iterator[Node]:
    waiting, seen = [loss.grad_fn], set()
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen:
            seen.add(node)
            yield node
            waiting += [parent for parent, _ in node.next_functions]
