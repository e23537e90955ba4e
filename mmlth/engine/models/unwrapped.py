"""The model within what wraps it for a training."""

from typing import Any

from mmengine.hooks import EMAHook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn


def bare_model(runner: Runner) -> nn.Module:
    """The runner's model without its wrapper for distributed training."""
    return runner.model.module if is_model_wrapper(runner.model) else runner.model


def ema_hooks(runner: Runner) -> list[EMAHook]:
    """The hooks that keep averages of the model, each in an ``ema_model`` of its own."""
    return [hook for hook in runner.hooks if isinstance(hook, EMAHook)]


def averaged_models(runner: Runner) -> list[Any]:
    """The averages of all `ema_hooks`: copies of the model, without what wraps them."""
    return [hook.ema_model.module for hook in ema_hooks(runner)]


def averaged_model(runner: Runner) -> Any:
    """The model that is validated and saved while training: the averages, under an EMAHook."""
    return [bare_model(runner), *averaged_models(runner)][-1]
