"""Tells how much the mask that a training leads to still changes."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import Tensor

from mmlth.engine.errors import LotteryError
from mmlth.engine.first_process import from_first_process
from mmlth.engine.models import averaged_model
from mmlth.engine.random_numbers import own_random_numbers
from mmlth.pruning import Mask, Overlap, overlap

Draw = Callable[[Mapping[str, Tensor]], Mask]

MASKS_KEY = 'mmlth_masks'
"""Where this hook keeps its state in a checkpoint."""


@dataclass(frozen=True)
class StopRule:
    """When a training ends because the mask that it leads to has converged.

    Attributes:
        window: Number of masks that are compared, the newest one included.
        interval: After how many iterations a mask is drawn in loops without epochs; by default as
            often as they validate, or ten times where they do not say.
        stop_at: Training ends when the newest mask is no farther than this from each other one of
            a full window; None: never.
        stop_after: Number of iterations that are trained in any case, and one more.
    """

    window: int = 5
    interval: int | None = None
    stop_at: float | None = None
    stop_after: int = 0


class MaskDistanceHook(Hook):
    """Draws, after every epoch, the mask that the next round would get if training ended now.

    It logs the Hamming distance to the masks of the epochs before, as a share of the weights that
    compete (`mmlth.pruning.distance.hamming`), and the intersection over union: the scalars
    ``lottery/mask_distance`` and ``lottery/mask_iou`` are those to the mask of the window that is
    farthest. Where `StopRule.stop_at` is set, it ends the training once the mask has converged, as
    You et al. (ICLR 2020, https://arxiv.org/abs/1909.11957) do. Training is not disturbed: no
    random number is drawn, and of the model only copies are looked at.

    Args:
        draw: Draws the mask from the weights that the mask of this round names, on the CPU.
        mask: The mask of this round.
        rule: When training ends.
    """

    priority = 'LOW'  # after averages are taken, before a checkpoint is written

    def __init__(self, draw: Draw, mask: Mask, rule: StopRule | None = None) -> None:
        self.draw = draw
        self.mask = mask
        self.rule = rule or StopRule()
        self.converged = False
        # A bit a weight, the newest mask last.
        self._masks: deque[Tensor] = deque(maxlen=self.rule.window)

    def before_train(self, runner: Runner) -> None:
        if self.converged:  # the training was interrupted after its end
            runner.train_loop.stop_training = True

    def after_train_epoch(self, runner: Runner) -> None:
        if isinstance(runner.train_loop, EpochBasedTrainLoop):
            self._look(runner, f'epoch {runner.epoch + 1}', runner.iter)

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        loop, done = runner.train_loop, runner.iter + 1
        if isinstance(loop, EpochBasedTrainLoop):
            return
        # Not all training loops validate, or tell how often.
        tenth = max(1, loop.max_iters // 10)
        if done % (self.rule.interval or getattr(loop, 'val_interval', None) or tenth) == 0:
            self._look(runner, f'iteration {done}', done)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        checkpoint[MASKS_KEY] = {'masks': list(self._masks), 'converged': self.converged}

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        if runner._resume and MASKS_KEY in checkpoint:
            self._masks.extend(checkpoint[MASKS_KEY]['masks'])
            self.converged = checkpoint[MASKS_KEY]['converged']

    def _look(self, runner: Runner, when: str, done: int) -> None:
        if self.rule.stop_at is None:
            try:
                if is_main_process():
                    self._compared(runner, when, done)
            except LotteryError as error:  # a training is not to end by what only watches it
                runner.logger.warning(f'no mask can be drawn after {when}: {error}')
            return
        self.converged = from_first_process(lambda: self._compared(runner, when, done))
        if self.converged:
            runner.logger.info(
                f'early-bird: the mask has converged after {when}, {self.rule.window} masks '
                f'differ in {self.rule.stop_at:.4g} of the competing weights at most; training ends'
            )
            runner.train_loop.stop_training = True

    def _compared(self, runner: Runner, when: str, done: int) -> bool:
        """Draws a mask and compares it with those before; returns whether it has converged."""
        overlaps = self._compare(self._next_mask(runner))
        if overlaps:
            _log(runner, overlaps, when, done)
        return self._has_converged(overlaps, done)

    def _has_converged(self, overlaps: list[Overlap], done: int) -> bool:
        rule = self.rule
        if rule.stop_at is None or len(overlaps) + 1 < rule.window or done <= rule.stop_after:
            return False
        return all(each.hamming <= rule.stop_at for each in overlaps)

    def _next_mask(self, runner: Runner) -> Mask:
        state = averaged_model(runner).state_dict()
        with own_random_numbers():  # a score may draw some
            return self.draw({name: state[name].detach().cpu() for name in self.mask})

    def _compare(self, mask: Mask) -> list[Overlap]:
        """What the mask shares with the earlier ones, the newest of them first; remembers it."""
        newest, within = _flat(mask), _flat(self.mask)
        others = list(self._masks)[1 if len(self._masks) == self._masks.maxlen else 0 :]
        self._masks.append(torch.from_numpy(np.packbits(newest.numpy())))
        return [overlap(newest, _unpacked(other, newest), within) for other in reversed(others)]


def _flat(mask: Mask) -> Tensor:
    return torch.cat([kept.reshape(-1) for kept in mask.values()])


def _unpacked(packed: Tensor, like: Tensor) -> Tensor:
    bits = np.unpackbits(packed.numpy(), count=like.numel())
    return torch.from_numpy(bits.view(bool))


def _log(runner: Runner, overlaps: list[Overlap], when: str, done: int) -> None:
    ious = [1.0 if each.iou is None else each.iou for each in overlaps]  # both keep nothing
    distances = [each.hamming for each in overlaps]
    scalars = {'lottery/mask_iou': min(ious), 'lottery/mask_distance': max(distances)}
    for name, value in scalars.items():
        runner.message_hub.update_scalar(name, value)
        runner.visualizer.add_scalar(name, value, step=done)
    runner.logger.info(
        f'the mask of {when} and those before it, newest first: '
        f'IoU {" ".join(f"{value:.4f}" for value in ious)}, '
        f'distance {" ".join(f"{value:.4f}" for value in distances)}'
    )
