"""Trains a random ticket by a growing penalty on the weights that it will lack."""

import functools
from typing import Any

from mmengine.runner import Runner
from torch import Tensor

from mmlth.engine.errors import LotteryError
from mmlth.engine.hooks.mask_hook import MaskHook
from mmlth.engine.hooks.optimizers import before_steps, zero_moments
from mmlth.engine.masking import choose_targets
from mmlth.engine.models import averaged_models, bare_model
from mmlth.engine.registry import HOOKS
from mmlth.engine.settings import parse_settings
from mmlth.pruning import Mask, add_penalty, attach_mask, growth, penalty, random_subset


@HOOKS.register_module()
class RSTHook(MaskHook):
    """RST of Dual LTH (Bai et al., ICLR 2022, https://arxiv.org/abs/2203.04248), in any training.

    A random subset P of each layer's prunable weights is drawn. While the training runs λ · w is
    added to the gradient of the weights in P just before the optimizer steps, λ growing up to
    ``limit``, where it stays for ``hold`` iterations. Then P is pruned, and what is left of the
    schedule trains on under the mask. All of it follows from the iteration and the seed, so a
    resumed training needs nothing else. With a ``mmlth.TicketSaver`` beside it the training ends
    with a ticket: ``custom_hooks=[dict(type='mmlth.RSTHook', sparsity=0.8),
    dict(type='mmlth.TicketSaver')]``.

    Args:
        sparsity: Share of each layer to prune, in (0, 1); never a whole layer.
        targets: The weights that may be pruned, as ``lottery.targets`` says it.
        step: How much λ grows at a time.
        every: How many iterations are between two such steps.
        limit: The largest λ.
        hold: How many iterations λ stays there.
        seed: The seed of the random subset.

    Raises:
        LotteryError: If an option is out of range.
    """

    def __init__(
        self,
        sparsity: float = 0.8,
        targets: Any = None,
        step: float = 1e-4,
        every: int = 5,
        limit: float = 1.0,
        hold: int = 40_000,
        seed: int = 0,
    ) -> None:
        for name, value in {'step': step, 'limit': limit}.items():
            if not value > 0:
                raise LotteryError(f'RSTHook.{name} must be a positive number, got {value!r}')
        for name, count, least in (('every', every, 1), ('hold', hold, 0)):
            if not isinstance(count, int) or count < least:
                raise LotteryError(
                    f'RSTHook.{name} must be a whole number of at least {least}, got {count!r}'
                )
        if not 0 < sparsity < 1:
            raise LotteryError(f'RSTHook.sparsity must lie between 0 and 1, got {sparsity!r}')
        super().__init__(Mask({}))
        self.sparsity = sparsity
        self.settings = parse_settings({} if targets is None else {'targets': targets})
        self.seed = seed
        self.strength = functools.partial(penalty, step=step, every=every, limit=limit)
        self.delete_at = growth(step, every, limit) + hold

    def before_run(self, runner: Runner) -> None:
        model = bare_model(runner)
        targets = choose_targets(model, self.settings)
        weights = {target.name: model.get_parameter(target.name) for target in targets}
        self._subset = random_subset(weights, self.sparsity, self.seed)
        self.mask = Mask.dense(weights)  # until P is pruned: tickets written meanwhile are dense
        super().before_run(runner)

    def before_train(self, runner: Runner) -> None:
        if self.delete_at >= runner.max_iters:
            raise LotteryError(
                f'RSTHook prunes after {self.delete_at} iterations, but training takes '
                f'{runner.max_iters}; let λ grow faster (a larger step or a smaller every), give a '
                'smaller hold, or train for longer'
            )
        self._follow(runner)
        if runner.iter >= self.delete_at:  # it is resumed after that
            self._delete(runner)
        super().before_train(runner)

    def before_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        if runner.iter == self.delete_at:
            self._delete(runner)

    def _follow(self, runner: Runner) -> None:
        """Has the penalty added before each step, when gradients are unscaled and clipped."""
        model = bare_model(runner)
        pruned: dict[Tensor, Tensor] = {
            model.get_parameter(name): ~kept for name, kept in self._subset.items()
        }
        change = functools.partial(self._penalise, runner, pruned)
        before_steps('RSTHook', runner.optim_wrapper, change)

    def _penalise(self, runner: Runner, pruned: dict[Tensor, Tensor], optimizer: Any) -> None:
        strength = self.strength(runner.iter)
        if runner.iter >= self.delete_at or not strength:
            return
        for group in optimizer.param_groups:
            for parameter in group['params']:
                if parameter in pruned:
                    pruned[parameter] = pruned[parameter].to(parameter.device)
                    add_penalty(parameter, pruned[parameter], strength)

    def _delete(self, runner: Runner) -> None:
        """Prunes P, in the averages of an EMAHook too, and in what the optimizer remembers."""
        model = bare_model(runner)
        share = _share_outside(model, self._subset)
        self.mask = self._subset
        for each in (model, *averaged_models(runner)):
            attach_mask(each, self.mask)
        zero_moments(model, runner.optim_wrapper)
        self._steps = 0  # an unusual optimizer shows itself in its first steps under the mask
        pruned = self.mask.total - self.mask.kept
        runner.logger.info(
            f'RST: {pruned} of {self.mask.total} weights are pruned at iteration {runner.iter}; '
            f'they held {share:.2g} of the sum of magnitudes'
        )


def _share_outside(model: Any, mask: Mask) -> float:
    """The share of the magnitudes that are pruned with a mask, in [0, 1]."""
    outside = total = 0.0
    for name, kept in mask.items():
        sizes = model.get_parameter(name).detach().abs().double()
        outside += float(sizes[~kept.to(sizes.device)].sum())
        total += float(sizes.sum())
    return outside / total if total else 0.0
