"""Evaluates weights on the validation data of a config, one set of weights after another."""

from collections.abc import Mapping
from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner
from torch import Tensor

from mmlth.engine.configs import last_train_dataloader, plain_loader, read_config
from mmlth.engine.default_scope import enter_default_scope
from mmlth.engine.errors import LotteryError, explaining_missing_packages
from mmlth.engine.evaluation.result_hook import ResultHook
from mmlth.engine.evaluation.running_statistics import recompute_statistics, trained_norms
from mmlth.engine.models import bare_model
from mmlth.engine.tickets import without_aliases
from mmlth.engine.training import experiment_name
from mmlth.messages import reason

_OF_TRAINING = ('train_dataloader', 'train_cfg', 'optim_wrapper', 'param_scheduler')


class Evaluation:
    """Finds the metrics of weights of one model; call it with a state dict.

    Args:
        config: A file, a name or a config. Neither its ``lottery`` key nor its ``custom_hooks``
            matter here.
        work_dir: Where MMEngine writes what it logs.
        statistics: From how many batches of training data running statistics are computed anew
            for each network before it is evaluated; 0: they stay as they are. Layers that the
            model does not train the statistics of (``norm_eval``, frozen stages) keep theirs. Every
            network sees the same batches.

    Attributes:
        runner: A Runner of MMEngine; it validates.

    Raises:
        LotteryError: If the config cannot be evaluated by, or has no statistics to recompute.
    """

    def __init__(
        self, config: str | Path | Config, work_dir: str | Path, statistics: int = 0
    ) -> None:
        cfg = read_config(config)
        if cfg.get('val_dataloader') is None or cfg.get('val_evaluator') is None:
            raise LotteryError(
                f'{cfg.filename or "the config"} says nothing of validation; give it '
                'val_dataloader, val_cfg and val_evaluator'
            )
        self._data = last_train_dataloader(cfg)
        self._statistics = statistics
        enter_default_scope(cfg)
        with explaining_missing_packages('the config', cfg.filename):
            self.runner = Runner.from_cfg(_for_validation(cfg, work_dir))
        self._result = ResultHook()
        self.runner.register_hook(self._result)
        model = bare_model(self.runner)
        if statistics and not trained_norms(model):
            raise LotteryError(
                'no layer of the model trains running statistics (they are frozen, or it has '
                'none), so there are none to recompute; leave statistics '
                '(--recompute-statistics) out'
            )
        if statistics and self._data is None:
            raise LotteryError(
                'recomputing running statistics (--recompute-statistics) needs training data, but '
                'the config has no train_dataloader; give it one'
            )

    def __call__(self, weights: Mapping[str, Tensor]) -> dict[str, float | None]:
        """The metrics of weights; one that is no finite number is None.

        Raises:
            LotteryError: If names or shapes are not the model's.
        """
        model = bare_model(self.runner)
        try:
            model.load_state_dict(without_aliases(weights, model.state_dict().keys()))
        except RuntimeError as error:
            raise LotteryError(f'the weights are of another model: {reason(error)}') from error
        if self._statistics:
            recompute_statistics(model, self._data, self._statistics)
        return self._result.of(self.runner, self.runner.val)

    def measured(self, weights: Mapping[str, Tensor]) -> dict[str, float | None]:
        """The metrics, of which there is one at least.

        Raises:
            LotteryError: If the weights are not the model's, or the validation gives no number.
        """
        metrics = self(weights)
        if not metrics:
            raise LotteryError(
                f'the validation by {type(self.runner.val_loop).__name__} gives no metric that is '
                'a number, neither to hooks (after_val_epoch) nor as what run() returns; give '
                'val_evaluator one that does'
            )
        return metrics


def _for_validation(cfg: Config, work_dir: str | Path) -> Config:
    cfg.pop('lottery', None)
    cfg.val_dataloader = plain_loader(cfg.val_dataloader)
    for key in _OF_TRAINING:
        cfg[key] = None
    cfg.custom_hooks = []  # of training: some change the weights that are validated
    cfg.default_hooks = {**(cfg.get('default_hooks') or {}), 'checkpoint': None}
    cfg.work_dir, cfg.log_level = str(work_dir), 'WARNING'
    # MMEngine finds loggers and visualizers by name: no other Runner's, whose folder may be gone.
    cfg.experiment_name = experiment_name(cfg, Path(work_dir))
    if cfg.get('visualizer') is None:
        cfg.visualizer = {'type': 'Visualizer'}
    if isinstance(cfg.visualizer, dict):
        cfg.visualizer.pop('name', None)
        cfg.visualizer['vis_backends'] = None
    cfg.load_from, cfg.resume = None, False
    if cfg.get('val_cfg') is None:
        cfg.val_cfg = {}
    for part in ('test_dataloader', 'test_cfg', 'test_evaluator'):
        cfg[part] = None
    return cfg
