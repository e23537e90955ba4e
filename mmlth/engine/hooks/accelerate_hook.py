"""Tests a ticket by sparse layers."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmlth.engine.errors import LotteryError
from mmlth.engine.models import accelerate, bare_model
from mmlth.engine.registry import HOOKS


@HOOKS.register_module()
class AccelerateHook(Hook):
    """Accelerates the model while it is tested, on a CPU, by `mmlth.accelerate`.

    The first batch is the example that layers are measured on; the table goes to the log. Training
    and validation run as they are. In a config: ``dict(type='mmlth.AccelerateHook')``.
    """

    priority = 'VERY_LOW'  # after hooks that exchange weights, such as EMAHook

    def __init__(self) -> None:
        self._given: Any = None

    def before_test_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        if self._given is not None:
            return
        model: Any = bare_model(runner)
        device = next((parameter.device.type for parameter in model.parameters()), 'cpu')
        if device != 'cpu':
            raise LotteryError(
                f'AccelerateHook makes tests on a CPU faster, but the model is on {device}; hide '
                'the device (CUDA_VISIBLE_DEVICES=-1), or remove the hook'
            )
        if getattr(runner.test_loop, 'fp16', False):
            raise LotteryError(
                'AccelerateHook tests in float32, but test_cfg has fp16=True; set it to False, or '
                'remove the hook'
            )
        self._given = runner.model

        def run(network: Any) -> None:
            network.test_step(data_batch)  # data samples: nothing to compare, see `Example`

        runner.model = accelerate(model, run, show=runner.logger.info).model

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        self._restore(runner)

    def before_test_epoch(self, runner: Runner) -> None:
        self._restore(runner)  # after a test that was broken off

    def before_train(self, runner: Runner) -> None:
        self._restore(runner)

    def before_val(self, runner: Runner) -> None:
        self._restore(runner)

    def _restore(self, runner: Runner) -> None:
        if self._given is not None:
            runner.model, self._given = self._given, None
