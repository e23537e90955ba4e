"""Trains Gaussian weights: a mean and a deviation for each, in place of a number."""

import math
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import BaseLoop, Runner
from torch import nn

from mmlth.engine.errors import LotteryError
from mmlth.engine.hooks.optimizers import before_steps, optim_wrappers
from mmlth.engine.hooks.pruning_hook import MethodHook
from mmlth.engine.masking import choose_targets
from mmlth.engine.models import bare_model
from mmlth.engine.registry import HOOKS
from mmlth.engine.settings import check_positive, parse_settings
from mmlth.pruning import (
    LOG_DEVIATION,
    TEACHERS,
    add_deviations,
    add_prior_gradient,
    divergence,
    draw_weights,
    gaussian_weights,
    reset_deviations,
    restore_means,
)


@HOOKS.register_module()
class BayesianHook(Hook):
    """Mean-field variational inference, as Bayesian LTH (Kuhn et al., 2026) prunes it.

    Each weight w of the chosen layers is a Gaussian: μ is the parameter that the model has anyway,
    log σ one beside it, whose name ends in ``_mmlth_log_sigma``. Every forward pass of the training
    draws w = μ + σ · ε; validation and tests compute with μ. What the optimizer minimises is the
    loss plus ``temperature`` · KL / N: KL is the divergence of all weights from their prior, N the
    number of training samples. Its gradient is added just before each step, when gradients are
    unscaled and clipped. In any config: ``custom_hooks=[dict(type='mmlth.BayesianHook')]``.

    Args:
        targets: The weights that are Gaussian, as ``lottery.targets`` says it; frozen ones are not.
        deviation: σ to begin with, in units of √(2 / fan-in).
        prior: The deviation of the prior, whose mean is 0, in the same units.
        temperature: What the divergence is multiplied by; 1: the posterior of the data, less: a
            colder one.

    Raises:
        LotteryError: If an option is out of range; as training begins, if it cannot be trained so.
    """

    priority = 'HIGHEST'  # before masks and averages are attached, which need what is added

    def __init__(
        self,
        targets: Any = None,
        deviation: float = 0.01,
        prior: float = 1.0,
        temperature: float = 1.0,
    ) -> None:
        for name, value in (('deviation', deviation), ('prior', prior)):
            check_positive(f'BayesianHook.{name}', value)
        number = isinstance(temperature, (int, float)) and not isinstance(temperature, bool)
        if not number or not 0 <= temperature < math.inf:
            raise LotteryError(
                f'BayesianHook.temperature must be a number of at least 0, got {temperature!r}'
            )
        self.settings = parse_settings({} if targets is None else {'targets': targets})
        self.deviation = deviation
        self.prior = prior
        self.temperature = temperature
        self._prepared: Runner | None = None
        self._handle: Any = None
        self._iterates = False
        self._drawn = False

    def before_run(self, runner: Runner) -> None:
        if not isinstance(runner._train_loop, BaseLoop) or self._prepared is runner:
            return  # a test, where the stock model is the one of the means; or a second training
        self._check(runner)
        model = bare_model(runner)
        add_deviations(model, self.chosen(model), self.deviation)
        self._optimise(runner)
        if runner.model is not model:  # but a wrapper, which knows of no new parameters
            runner.model = None
            runner.model = runner.wrap_model(runner.cfg.get('model_wrapper_cfg'), model)
        self._begin_after_initialisation(runner)
        self._strength = self.temperature / len(runner.train_dataloader.dataset)
        before_steps('BayesianHook', runner.optim_wrapper, self._add_prior)
        self._prepared, self._model = runner, model

    def chosen(self, model: nn.Module) -> list[str]:
        """The names of the weights that it makes Gaussian.

        Args:
            model: The model, whatever its weights; it is put in training mode.

        Raises:
            LotteryError: If ``targets`` match none of them.
        """
        targets = choose_targets(model, self.settings)
        return [target.name for target in targets if target.parameter.requires_grad]

    def _check(self, runner: Runner) -> None:
        """Refuses what would work with other parameters than it expects."""
        for hook in runner.hooks:
            if isinstance(hook, MethodHook) and not hook.method.nested:
                raise LotteryError(
                    f'BayesianHook: a weight that {hook.name!r} lets grow again has lost its '
                    "deviation; give another lottery.method, such as 'gradual'"
                )
            if isinstance(hook, BayesianHook) and hook is not self:
                raise LotteryError(
                    'custom_hooks has more than one BayesianHook; give one, whose targets are all '
                    'that is to be Gaussian'
                )
            if type(hook).__name__ == 'MeanTeacherHook':
                raise LotteryError(
                    'a MeanTeacherHook pairs the parameters of two models one after another, of '
                    'which a BayesianHook gives one more than the other; leave one of them out'
                )
        model = bare_model(runner)
        if names := {cls.__name__ for cls in type(model).__mro__} & TEACHERS.keys():
            raise LotteryError(
                f'a {names.pop()} pairs the parameters of its teacher and its student one after '
                'another, of which a BayesianHook gives one more than the other; leave it out'
            )

    def _optimise(self, runner: Runner) -> None:
        """Puts each log σ where its mean is: the same learning rates, schedules and clipping."""
        beside = {id(mean): other for mean, other in gaussian_weights(bare_model(runner))}
        left = set(beside)
        for wrapper in optim_wrappers(runner.optim_wrapper):
            if wrapper.optimizer.state:
                raise LotteryError(
                    f'BayesianHook adds parameters to {type(wrapper.optimizer).__name__}, which '
                    'has its state already; give another optimizer'
                )
            for group in wrapper.optimizer.param_groups:
                own = [id(each) for each in group['params'] if id(each) in beside]
                if own and group.get('weight_decay'):
                    raise LotteryError(
                        "BayesianHook's prior takes the place of weight decay, but "
                        f'{len(own)} Gaussian weights have weight_decay={group["weight_decay"]}; '
                        'set optim_wrapper.optimizer.weight_decay=0'
                    )
                there = {id(each) for each in group['params']}  # of a model that had them before
                new = [beside[key] for key in own if id(beside[key]) not in there]
                group['params'].extend(new)
                left.difference_update(own)
        if left:
            raise LotteryError(
                f'no optimizer has {len(left)} of the weights that BayesianHook makes Gaussian; '
                'leave them out by its targets'
            )

    def _begin_after_initialisation(self, runner: Runner) -> None:
        """Gives deviations their start once the model has initialised itself.

        Some models draw all parameters of two dimensions or more anew.
        """
        initialise = runner._init_model_weights

        def initialised() -> None:
            initialise()
            reset_deviations(bare_model(runner), self.deviation)

        runner._init_model_weights = initialised

    def _add_prior(self, optimizer: Any) -> None:
        own = [each for group in optimizer.param_groups for each in group['params']]
        add_prior_gradient(self._model, self.prior, self._strength, own)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        if runner._resume and not any(
            name.endswith(LOG_DEVIATION) for name in checkpoint['state_dict']
        ):
            raise LotteryError(
                'the checkpoint to resume from is of a training without BayesianHook; start from '
                'its weights by load_from, with resume=False (without --resume)'
            )

    def before_train(self, runner: Runner) -> None:
        """Has weights drawn as each forward pass of the training begins."""
        self.after_train(runner)  # of a training that was broken off
        model: Any = bare_model(runner)

        @torch.compiler.disable
        def draw(called: Any, args: Any, kwargs: dict[str, Any]) -> None:
            if called is not model:
                return  # copies of the model, as averages are, have this function as well
            if self._iterates and model.training and kwargs.get('mode') == 'loss':
                self._drawn = bool(draw_weights(model))
            elif not model.training:
                restore_means(model)

        self._handle = model.register_forward_pre_hook(draw, with_kwargs=True)

    def before_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        self._iterates = True

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        model = bare_model(runner)
        if not self._drawn:
            raise LotteryError(
                f"{type(model).__name__} trains without calling itself with mode='loss', where "
                'weights are drawn; leave BayesianHook out'
            )
        restore_means(model)  # not before: checkpointed activations are computed again till now
        self._iterates = self._drawn = False

    def after_train_epoch(self, runner: Runner) -> None:
        share = self._strength * float(divergence(bare_model(runner), self.prior))
        runner.message_hub.update_scalar('train/divergence', share)

    def after_train(self, runner: Runner) -> None:
        if self._handle is not None:
            self._handle.remove()
            self._handle = None
        restore_means(bare_model(runner))
        self._iterates = self._drawn = False
