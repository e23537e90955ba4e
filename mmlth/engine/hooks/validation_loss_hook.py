"""Computes the loss of the validation data whenever a training validates."""

from collections.abc import Callable

from mmengine.hooks import Hook, LoggerHook
from mmengine.runner import BaseLoop, Runner

from mmlth.engine.evaluation import ValidationLoss
from mmlth.engine.models import averaged_model
from mmlth.engine.registry import HOOKS


@HOOKS.register_module()
class ValidationLossHook(Hook):
    """Logs the mean loss of the validation data beside the metrics, as ``val/loss…``.

    It comes before the validation and looks at the weights that this validates: the averages,
    under an EMAHook. Training goes on bit for bit as without it. The values go to the visualizer
    alone: of losses in the message hub MMEngine would log the mean over ten validations, and keep
    them in checkpoints. Any training has it by
    ``custom_hooks=[dict(type='mmlth.ValidationLossHook')]``.

    Args:
        stopped: Asked after each batch whether the training is about to stop; by all processes at
            once.
    """

    def __init__(self, stopped: Callable[[], bool] | None = None) -> None:
        self._stopped = stopped
        self._loss: ValidationLoss | None = None

    def before_val(self, runner: Runner) -> None:
        if not isinstance(runner._train_loop, BaseLoop):
            return  # a validation by itself
        if self._loss is None:
            self._loss = ValidationLoss(runner.cfg)
        losses = self._loss(averaged_model(runner), self._stopped)
        if losses is None:
            return
        # Where MMEngine logs the metrics.
        by_epoch = all(
            hook.log_metric_by_epoch for hook in runner.hooks if isinstance(hook, LoggerHook)
        )
        scalars = {f'val/{name}': value for name, value in losses.items()}
        step = runner.epoch if by_epoch else runner.iter
        runner.visualizer.add_scalars(scalars, step=step)
        shown = '  '.join(f'{name}: {value:.4f}' for name, value in scalars.items())
        runner.logger.info(f'validation loss of step {step}  {shown}')
