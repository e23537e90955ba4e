"""What hooks do with the optimizers of a Runner, of which there may be several."""

from collections.abc import Callable, Iterator
from typing import Any

from mmengine.optim import AmpOptimWrapper, OptimWrapper, OptimWrapperDict
from torch import Tensor, nn

from mmlth.engine.errors import LotteryError
from mmlth.pruning import masked_parameters


def zero_moments(model: nn.Module, optim_wrapper: Any) -> None:
    """Zeroes what an optimizer remembers of pruned weights (momentum, Adam's two moments).

    Args:
        model: The model under its mask, not wrapped.
        optim_wrapper: The optimizer wrapper, or several, of a Runner.

    Raises:
        LotteryError: If ``optim_wrapper`` is none of MMEngine's.
    """
    masked = {id(parameter): pruned for parameter, pruned in masked_parameters(model)}
    for wrapper in optim_wrappers(optim_wrapper):
        for parameter, state in wrapper.optimizer.state.items():
            if id(parameter) not in masked:
                continue
            pruned = masked[id(parameter)].to(parameter.device)
            for value in state.values():
                if isinstance(value, Tensor) and value.shape == parameter.shape:
                    value.masked_fill_(pruned, 0)


def optim_wrappers(optim_wrapper: Any) -> Iterator[OptimWrapper]:
    """The optimizer wrappers of a Runner, of which there may be several.

    Raises:
        LotteryError: If ``optim_wrapper`` is none of MMEngine's.
    """
    if isinstance(optim_wrapper, OptimWrapperDict):
        yield from optim_wrapper.values()
    elif isinstance(optim_wrapper, OptimWrapper):
        yield optim_wrapper
    else:
        raise LotteryError(
            f'a search needs an OptimWrapper of MMEngine, got {type(optim_wrapper).__name__}'
        )


def before_steps(name: str, optim_wrapper: Any, change: Callable[[Any], None]) -> None:
    """Has a function change gradients just before each step, when they are unscaled and clipped.

    Args:
        name: The hook that does so, for messages.
        optim_wrapper: The optimizer wrapper, or several, of a Runner.
        change: Called with the optimizer that steps.

    Raises:
        LotteryError: If an optimizer unscales gradients itself, after that.
    """
    for wrapper in optim_wrappers(optim_wrapper):
        optimizer = wrapper.optimizer
        if isinstance(wrapper, AmpOptimWrapper) and getattr(
            optimizer, '_step_supports_amp_scaling', False
        ):
            raise LotteryError(
                f'{name} needs gradients that are unscaled before {type(optimizer).__name__} '
                'steps, but its fused form unscales them itself; leave fused=True out'
            )
        optimizer.register_step_pre_hook(lambda stepping, *_: change(stepping))
