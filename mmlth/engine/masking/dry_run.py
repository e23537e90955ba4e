"""Prunes untrained weights before anything is trained, so that impossible settings show at once."""

import contextlib
from collections.abc import Mapping, Sequence

from mmengine.dist import is_main_process
from mmengine.runner import Runner
from torch import Tensor

from mmlth.engine.configs import reinitialised
from mmlth.engine.errors import LotteryError, one_line_if
from mmlth.engine.masking.pruner import Pruner, refused_as
from mmlth.engine.models import ConfigNetwork, bare_model, initialise
from mmlth.engine.random_numbers import own_random_numbers
from mmlth.engine.settings import build_score
from mmlth.pruning import Mask, ScoreInputs, Target
from mmlth.pruning.scores import NotFiniteError, magnitude


def dry_run_pruning(pruner: Pruner, runner: Runner, targets: Sequence[Target], keep: int) -> None:
    """Prunes untrained weights as the last round will prune, so that errors come at once.

    The score is taken once, as it would be for one step. That needs a network and data only where
    the score does.

    Args:
        pruner: Prunes as ``lottery`` says.
        runner: The user's Runner; nothing about it changes.
        targets: Which weights of its model may be pruned.
        keep: How many weights the last round keeps.

    Raises:
        LotteryError: If score, allocation, pattern and floor do not allow it, or ``early_bird`` is
            to watch what changes in no training.
    """
    settings = pruner.settings
    weights = {target.name: target.parameter.detach().cpu().nan_to_num() for target in targets}
    dense = Mask.dense(weights)
    if is_main_process():
        with own_random_numbers():
            scores = _untrained_scores(pruner, runner, weights)
        with refused_as('lottery cannot be met'):
            pruner.prune(weights, dense, keep, score=lambda inputs: scores)
    if settings.early_bird and not pruner.ranks_by_weights_alone(dense):
        raise LotteryError(
            f'lottery.early_bird watches the mask while a round trains, but lottery.score='
            f'{settings.score!r} looks at more than the weights; leave early_bird out'
        )


def _untrained_scores(
    pruner: Pruner, runner: Runner, weights: Mapping[str, Tensor]
) -> Mapping[str, Tensor]:
    """The scores of untrained weights; magnitudes where these are not finite.

    Raises:
        LotteryError: If the score cannot be used with this model and these data.
    """
    settings, seed = pruner.settings, pruner.seed
    score, mask = build_score(settings.score), Mask.dense(weights)
    device = next(bare_model(runner).parameters()).device
    with contextlib.suppress(Exception):  # whatever it does that finds no network
        return _finite(score(ScoreInputs(_trained(weights), mask, weights, seed=seed)))
    with (
        one_line_if(f'lottery.score={settings.score!r} cannot rank these weights'),
        ConfigNetwork(reinitialised(runner.cfg, seed), seed, device) as network,
    ):
        initialise(network.model)
        state = {name: tensor.cpu() for name, tensor in network.model.state_dict().items()}
        trained = {**state, **_trained({name: state[name] for name in mask})}
        try:
            return _finite(score(ScoreInputs(trained, mask, state, network, seed)))
        except NotFiniteError:
            return magnitude(ScoreInputs(weights, mask))


def _trained(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What stands for trained weights: smaller ones, so that a score that may be negative is so."""
    return {name: weight * 0.99 for name, weight in weights.items()}


def _finite(scores: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: score.nan_to_num() for name, score in scores.items()}
