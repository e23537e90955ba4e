"""Keeps a model under its mask while MMEngine trains it."""

from pathlib import Path
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmlth.engine.hooks.optimizers import zero_moments
from mmlth.engine.models import averaged_models, bare_model
from mmlth.engine.registry import HOOKS
from mmlth.engine.training import StateTransform
from mmlth.messages import join_names
from mmlth.pruning import Mask, attach_mask, revived, zero_pruned
from mmlth.ticket import load_ticket


@HOOKS.register_module()
class MaskHook(Hook):
    """Attaches a mask before anything else sees the model, and checks that it holds.

    It comes first, so that an EMAHook's copy of the model is masked too. A config trains a ticket
    on by ``custom_hooks=[dict(type='mmlth.MaskHook', mask='ticket.safetensors')]``.

    Args:
        mask: The mask of this round, or the path of a ticket that has it.
        start: Turns the loaded checkpoint into the state that the round starts from (in place).
            None where the round is resumed from a checkpoint of its own.
    """

    priority = 'VERY_HIGH'

    def __init__(self, mask: Mask | str | Path, start: StateTransform | None = None) -> None:
        self.mask = mask if isinstance(mask, Mask) else load_ticket(mask).mask
        self.start = start
        self.zero_every_step = False
        self._steps = 0

    def before_run(self, runner: Runner) -> None:
        attach_mask(bare_model(runner), self.mask)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        if self.start is not None:
            self.start(checkpoint)

    def before_train(self, runner: Runner) -> None:
        zero_pruned(bare_model(runner))
        zero_moments(bare_model(runner), runner.optim_wrapper)

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        # Zero gradients keep zero weights zero under the usual optimizers. An unusual one shows
        # itself in its first steps, so looks at 1, 2, 4, 8 … steps cost next to nothing.
        self._steps += 1
        if self.zero_every_step:
            zero_pruned(bare_model(runner))
        elif self._steps & (self._steps - 1) == 0:
            self._check(runner)

    def before_val_epoch(self, runner: Runner) -> None:
        self._check(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        self._check(runner)

    def _check(self, runner: Runner) -> None:
        names = revived(bare_model(runner))
        if names:
            runner.logger.warning(
                f'the optimizer moved pruned weights ({join_names(names, 1)}); '
                'they are set to zero after every step from now on'
            )
            self.zero_every_step = True
            for model in (bare_model(runner), *averaged_models(runner)):
                zero_pruned(model)
