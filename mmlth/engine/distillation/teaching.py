"""A teacher that is asked about each batch that its student is trained on."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mmlth.engine.distillation.lessons import Lesson
from mmlth.engine.errors import LotteryError

LOSS = 'loss_distil'
"""The name of the loss among those that a model returns: MMEngine adds up and logs them all."""


def teacher_of(student: nn.Module, weights: Mapping[str, Tensor]) -> nn.Module:
    """A copy of a model with other weights, in evaluation mode and without gradients.

    No random number is drawn.

    Args:
        student: The model, before a training changes it.
        weights: The state dict of the teacher.
    """
    teacher = copy.deepcopy(student)
    teacher.load_state_dict(weights, strict=False)  # counters of batches may be missing
    teacher.eval()  # of some models it returns nothing
    for parameter in teacher.parameters():
        parameter.requires_grad = False
    return teacher


def teach(
    student: nn.Module, teacher: nn.Module, lesson: Lesson, weight: float
) -> Callable[[], None]:
    """Adds the distillation loss to the losses that a model returns while it trains.

    Both see the same images, augmented and normalised: those that the student's ``forward`` gets,
    within the same autocast. What the student's head gives is taken down while this runs, since
    some packages call ``forward`` by itself, which hooks of torch do not see. Copies of the student
    (averages, those that compute the loss of validation data) are not taught.

    Args:
        student: The model, without a wrapper.
        teacher: Its teacher; it does not become a part of the student.
        lesson: What is compared.
        weight: What the loss is multiplied by.

    Returns:
        Ends it.
    """
    head, asked = (getattr(model, lesson.module) for model in (student, teacher))
    calls: list[tuple[tuple[Any, ...], dict[str, Any], Any]] = []
    replaced: dict[str, Any] = {}

    def begin(model: nn.Module, args: Any, kwargs: dict[str, Any]) -> None:
        if model is not student or not _trains(model, kwargs) or replaced:
            return
        original = getattr(head, lesson.method)

        def recorded(features: Any, *rest: Any, **options: Any) -> Any:
            outputs = original(features, *rest, **options)
            if torch.is_grad_enabled():  # else something is looked up, as hard examples are
                calls.append((rest, options, outputs))
            return outputs

        replaced[lesson.method] = head.__dict__.get(lesson.method)
        head.__dict__[lesson.method] = recorded

    def restore() -> None:
        if replaced:
            before = replaced.pop(lesson.method)
            head.__dict__.pop(lesson.method)
            if before is not None:
                head.__dict__[lesson.method] = before
        calls.clear()

    def end(model: nn.Module, args: Any, kwargs: dict[str, Any], losses: Any) -> Any:
        if model is not student or not replaced:
            return losses
        taken = list(calls)
        restore()
        if not isinstance(losses, Mapping):
            return losses  # the forward pass failed
        if LOSS in losses:
            raise LotteryError(
                f'the model has a loss of its own that is called {LOSS}, as that of distillation; '
                'rename it, or leave distillation out'
            )
        if len(taken) != 1:
            raise LotteryError(
                f'distillation compares what {type(head).__name__}.{lesson.method} gives once a '
                f'batch, but it was called {len(taken)} times; leave distillation out'
            )
        rest, options, outputs = taken[0]
        images = kwargs['inputs'] if 'inputs' in kwargs else args[0]
        with torch.no_grad():
            features: Any = teacher.extract_feat(images)  # type: ignore[operator]
            answers = getattr(asked, lesson.method)(features, *rest, **options)
        return {**losses, LOSS: weight * lesson.loss(outputs, answers)}

    handles = (
        student.register_forward_pre_hook(begin, with_kwargs=True),
        student.register_forward_hook(end, with_kwargs=True, always_call=True),
    )

    def stop() -> None:
        for handle in handles:
            handle.remove()
        restore()  # of a forward pass that was broken off

    return stop


def _trains(model: nn.Module, kwargs: Mapping[str, Any]) -> bool:
    return model.training and kwargs.get('mode') == 'loss'
