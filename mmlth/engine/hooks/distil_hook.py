"""Trains a model to give what a trained one gives, beside what its data say."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import BaseLoop, Runner
from torch import nn

from mmlth.engine.distillation import LOSS, Lesson, lesson_for, teach, teacher_of
from mmlth.engine.errors import LotteryError
from mmlth.engine.models import bare_model
from mmlth.engine.registry import HOOKS
from mmlth.engine.settings import check_positive
from mmlth.engine.tickets import read_weights, require_match, without_aliases


@HOOKS.register_module()
class DistilHook(Hook):
    """Adds ``loss_distil`` to the losses: how far the outputs are from a teacher's on each batch.

    The teacher is the same model with other weights, as those of a search's dense round. It is no
    part of the model that trains, so no checkpoint, average or optimizer has it. In any config:
    ``custom_hooks=[dict(type='mmlth.DistilHook', teacher='ticket.safetensors', weight=0.5)]``.

    Args:
        teacher: A ticket or a checkpoint of the model.
        weight: What the loss is multiplied by, more than 0.
        temperature: Divides the logits of both, more than 0; heatmaps have none.

    Raises:
        LotteryError: If a number is out of range; as training begins, if the model is none that
            can be taught.
    """

    priority = 'HIGHEST'  # the model is copied before a mask or an average is attached to it

    def __init__(self, teacher: str | Path, weight: float = 1.0, temperature: float = 1.0) -> None:
        check_positive('DistilHook.weight', weight)
        check_positive('DistilHook.temperature', temperature)
        self.path = Path(teacher).expanduser()
        self.weight = weight
        self.temperature = temperature
        self._taught: tuple[nn.Module, Lesson] | None = None
        self._stop: Callable[[], None] | None = None

    def before_run(self, runner: Runner) -> None:
        if self._taught is not None or not isinstance(runner._train_loop, BaseLoop):
            return  # there already, or a test by itself
        if sum(isinstance(hook, DistilHook) for hook in runner.hooks) > 1:
            raise LotteryError('custom_hooks has more than one DistilHook; a model has one teacher')
        lesson = lesson_for(runner, self.temperature)
        if not self.path.is_file():
            raise LotteryError(
                f'DistilHook.teacher={str(self.path)!r} does not exist or is no file (seen from '
                f'{Path.cwd()})'
            )
        model: Any = bare_model(runner)
        weights = read_weights(self.path).state_dict()
        require_match(str(self.path), weights, model)
        self._taught = teacher_of(model, without_aliases(weights, model.state_dict())), lesson

    def before_train(self, runner: Runner) -> None:
        self.after_train(runner)  # of a training that was broken off
        if self._taught is not None:
            self._stop = teach(bare_model(runner), *self._taught, self.weight)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        if isinstance(outputs, Mapping) and LOSS not in outputs:
            raise LotteryError(
                f'{type(bare_model(runner)).__name__} trains without calling itself with '
                "mode='loss', where distillation adds its loss; leave distillation out"
            )

    def after_train(self, runner: Runner) -> None:
        if self._stop is not None:
            self._stop()
            self._stop = None
