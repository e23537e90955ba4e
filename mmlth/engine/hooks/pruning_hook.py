"""Prunes while a training runs."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from mmengine.dist import all_reduce
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import Tensor, nn

from mmlth.engine.errors import LotteryError
from mmlth.engine.first_process import from_first_process
from mmlth.engine.hooks.mask_hook import MaskHook
from mmlth.engine.hooks.optimizers import zero_moments
from mmlth.engine.masking import Pruner, choose_targets, weight_costs
from mmlth.engine.models import averaged_models, bare_model
from mmlth.engine.registry import HOOKS
from mmlth.engine.settings import build_method, parse_settings
from mmlth.engine.training import StateTransform
from mmlth.messages import reason
from mmlth.pruning import (
    Length,
    Mask,
    Moment,
    PruningError,
    amounts,
    attach_mask,
    kept_amount,
    watched_gradients,
)

PRUNING_KEY = 'mmlth_pruning'
"""Where a checkpoint holds the mask, and when pruning began."""
OPTIONS = ('targets', 'score', 'allocation', 'pattern', 'floor', 'budget')
"""The keys of ``lottery`` that the hook takes."""


class MethodHook(MaskHook):
    """Changes the mask of a model while MMEngine trains it, as ``lottery.method`` says.

    Args:
        pruner: Prunes as ``lottery`` says.
        keep: How many weights, or multiply-adds, are kept in the end; None: as many as the settings
            of ``pruner`` say of the model that is trained, for which it is then renewed.
        start: As of `MaskHook`.
        changed: Called with each new mask.
    """

    def __init__(
        self,
        pruner: Pruner,
        keep: int | None = None,
        start: StateTransform | None = None,
        changed: Callable[[Mask], None] | None = None,
    ) -> None:
        super().__init__(Mask({}), start)
        spec = pruner.settings.method or 'gradual'
        self.method = build_method(spec)
        self.name = spec['type'] if isinstance(spec, Mapping) else spec
        self._pruner = pruner
        self._given = keep
        self._changed = changed
        self._first = 0
        self._begun = False
        self._watch = contextlib.ExitStack()
        self._gradients: Mapping[str, Tensor] | None = None

    def before_run(self, runner: Runner) -> None:
        model, settings = bare_model(runner), self._pruner.settings
        targets = choose_targets(model, settings)
        if self._given is None:
            costs = weight_costs(settings, runner.cfg, targets)
            self._pruner = replace(self._pruner, model=model, costs=costs)
        sizes = {target.name: target.numel for target in targets}
        counted = amounts(sizes, self._pruner.costs)
        self._total = sum(counted.values())
        self._keep = settings.kept(counted) if self._given is None else self._given
        self.mask = Mask.dense({name: model.get_parameter(name) for name in sizes})
        super().before_run(runner)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        super().after_load_checkpoint(runner, checkpoint)
        saved = checkpoint.get(PRUNING_KEY)
        if not runner._resume or saved is None:
            return  # it begins with this training, or in the middle of one that was dense so far
        if list(saved['masks']) != list(self.mask):
            raise LotteryError(
                f'the checkpoint holds the mask of {len(saved["masks"])} weights, but PruningHook '
                f'prunes {len(self.mask)}; restore its targets, or begin anew'
            )
        if (saved['method'], saved['keep']) != (self.name, self._keep):
            raise LotteryError(
                f'the checkpoint is of the method {saved["method"]!r} that keeps '
                f'{saved["keep"]:,}, but {self.name!r} is to keep {self._keep:,}; restore that, or '
                'begin anew'
            )
        self._first, self._begun = saved['first'], True
        self.mask = Mask(
            {name: _unpacked(saved['masks'][name], kept) for name, kept in self.mask.items()}
        )
        self._attach(runner)  # before the weights are loaded, of which it would zero some

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        super().before_save_checkpoint(runner, checkpoint)
        packed = {name: _packed(kept) for name, kept in self.mask.items()}
        checkpoint[PRUNING_KEY] = {
            'method': self.name,
            'keep': self._keep,
            'first': self._first,
            'masks': packed,
        }

    def before_train(self, runner: Runner) -> None:
        if not self._begun:
            self._first = runner.iter
        epochs = isinstance(runner.train_loop, EpochBasedTrainLoop)
        epoch = len(runner.train_dataloader) if epochs else None
        self._length = Length(runner.max_iters - self._first, epoch)
        try:
            self._updates = self.method.updates(self._length)
        except PruningError as error:
            raise LotteryError(f'lottery.method={self.name!r}: {reason(error)}') from error
        super().before_train(runner)

    def before_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        if not self._begun:  # after the rewind file, which holds what training started from
            self._begun = True
            self._update(runner, 0)
        self._gradients = None
        if self.method.gradients and self._done(runner) + 1 in self._updates:
            self._gradients = self._watch.enter_context(watched_gradients(bare_model(runner)))

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        self._watch.close()
        super().after_train_iter(runner, *args, **kwargs)
        done = self._done(runner) + 1
        if done in self._updates:
            self._update(runner, done)

    def after_train(self, runner: Runner) -> None:
        kept, keep = kept_amount(self.mask, self._pruner.costs), self._keep
        if kept > keep:
            runner.logger.warning(
                f'{self.name}: training ended after {self._done(runner)} of '
                f'{self._length.iterations} iterations, before the last update of the mask, which '
                f'keeps {kept:,} instead of {keep:,}'
            )

    def _done(self, runner: Runner) -> int:
        return int(runner.iter - self._first)

    def _update(self, runner: Runner, done: int) -> None:
        """Takes the mask that the first process draws; so all have the same."""
        gradients = self._mean_gradients(runner) if done and self.method.gradients else None
        if gradients is not None and not all(g.isfinite().all() for g in gradients.values()):
            runner.logger.info(
                f'{self.name}: gradients of iteration {runner.iter} overflow, so the mask stays'
            )
            return
        self.mask = from_first_process(lambda: self._drawn(runner, done, gradients))
        self._attach(runner)
        zero_moments(bare_model(runner), runner.optim_wrapper)
        self._steps = 0  # an unusual optimizer shows itself in its first steps under a new mask
        runner.message_hub.update_scalar('train/sparsity', self.mask.sparsity)

    def _drawn(self, runner: Runner, done: int, gradients: Mapping[str, Tensor] | None) -> Mask:
        model = bare_model(runner)
        weights = {name: model.get_parameter(name).detach().cpu() for name in self.mask}
        moment = Moment(
            done,
            self._length,
            weights,
            self.mask,
            self._keep,
            self._total,
            self._pruner.prune,
            self._pruner.seed,
            gradients,
        )
        try:
            return self.method.update(moment)
        except PruningError as error:
            raise LotteryError(
                f'lottery.method={self.name!r} after {done} iterations: {reason(error)}'
            ) from error

    def _attach(self, runner: Runner) -> None:
        for model in (bare_model(runner), *averaged_models(runner)):
            attach_mask(model, self.mask)
        if self._changed is not None:
            self._changed(self.mask)

    def _mean_gradients(self, runner: Runner) -> dict[str, Tensor]:
        """The gradients of all prunable weights, averaged over processes, on the CPU."""
        watched, model = self._gradients or {}, bare_model(runner)
        means = {}
        for name in self.mask:
            gradient = watched.get(name)
            if gradient is None:  # a layer that this batch did not use
                gradient = torch.zeros_like(model.get_parameter(name))
            all_reduce(gradient, op='mean')
            means[name] = gradient.detach().cpu()
        return means


@HOOKS.register_module()
class PruningHook(MethodHook):
    """Prunes while any training runs.

    With a ``mmlth.TicketSaver`` beside it a training ends with a ticket, and with a
    ``mmlth.ResumeHook`` it may be interrupted: ``custom_hooks=[dict(type='mmlth.PruningHook',
    method='gradual', sparsity=0.9), dict(type='mmlth.TicketSaver')]``.

    Args:
        method: ``'gradual'``, ``'rigl'``, ``'set'`` or ``'ac_dc'``, or a dict with the name as
            ``type`` and options; see `mmlth.pruning.methods`.
        sparsity: The share of the prunable weights that is removed in the end, in (0, 1).
        seed: Of what a method draws at random.
        **lottery: Keys of ``lottery`` that say what is pruned, and how: ``targets``, and for
            methods that prune by score also ``score``, ``allocation``, ``pattern``, ``floor`` and
            ``budget``.

    Raises:
        LotteryError: If an option is out of range, or the method does not take it.
    """

    def __init__(
        self, method: Any = 'gradual', sparsity: float = 0.8, seed: int = 0, **lottery: Any
    ) -> None:
        if unknown := [key for key in lottery if key not in OPTIONS]:
            raise LotteryError(
                f'PruningHook has no option {unknown[0]!r}; it has method, sparsity, seed, '
                f'{", ".join(OPTIONS)}'
            )
        if not 0 < sparsity < 1:
            raise LotteryError(f'PruningHook.sparsity must lie between 0 and 1, got {sparsity!r}')
        settings = parse_settings({**lottery, 'method': method, 'target_sparsity': sparsity})
        super().__init__(Pruner(settings, nn.Module(), seed))  # the model is there in `before_run`


def _packed(kept: Tensor) -> Tensor:
    """A bool tensor as bytes of eight bits, flat."""
    return torch.from_numpy(np.packbits(kept.reshape(-1).cpu().numpy()))


def _unpacked(packed: Tensor, like: Tensor) -> Tensor:
    """The bool tensor that `_packed` made ``packed`` of."""
    bits = np.unpackbits(packed.cpu().numpy(), count=like.numel()).astype(bool)
    return torch.from_numpy(bits).view(like.shape)
