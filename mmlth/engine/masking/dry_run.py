"""Prunes untrained weights before anything is trained, so that impossible settings show at once."""

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence

import torch
from mmengine.dist import is_main_process
from mmengine.runner import Runner
from torch import Tensor

from mmlth.engine.configs import reinitialised
from mmlth.engine.errors import LotteryError, one_line_if
from mmlth.engine.masking.pruner import Pruner, refused_as
from mmlth.engine.models import ConfigNetwork, bare_model, initialise
from mmlth.engine.random_numbers import own_random_numbers
from mmlth.engine.settings import build_score
from mmlth.messages import reason
from mmlth.pruning import LOG_DEVIATION, Mask, PruningError, ScoreInputs, Target, needs_of
from mmlth.pruning.scores import NotFiniteError, magnitude


def dry_run_pruning(pruner: Pruner, runner: Runner, targets: Sequence[Target], keep: int) -> None:
    """Prunes untrained weights as the last round will prune, so that errors come at once.

    The score is taken once, as it would be for one step. That needs a network and data only where
    the score does.

    Args:
        pruner: Prunes as ``lottery`` says.
        runner: The user's Runner; nothing about it changes.
        targets: The weights of its model that may be pruned.
        keep: How many weights, or multiply-adds, the last round keeps.

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
    if settings.early_bird and not pruner.ranks_by_weights_alone:
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
    settings = pruner.settings
    problem = f'lottery.score={settings.score!r} cannot rank these weights'
    score = build_score(settings.score)
    try:
        with _inputs(runner, pruner.seed, weights, needs_of(score), problem) as inputs:
            return {name: each.nan_to_num() for name, each in score(inputs).items()}
    except NotFiniteError:
        return magnitude(ScoreInputs(weights, Mask.dense(weights)))
    except (PruningError, torch.cuda.OutOfMemoryError) as error:
        raise LotteryError(f'{problem}: {reason(error)}') from error


@contextlib.contextmanager
def _inputs(
    runner: Runner,
    seed: int,
    weights: Mapping[str, Tensor],
    needs: Collection[str],
    problem: str,
) -> Iterator[ScoreInputs]:
    """What a score needs, of a model that is not trained yet.

    Args:
        runner: The user's Runner.
        seed: The seed of the search.
        weights: The untrained weights that may be pruned.
        needs: What the score declares.
        problem: What an error says first if there is no network to be had.

    Raises:
        LotteryError: If the config's model cannot be built.
    """
    mask = Mask.dense(weights)
    if 'network' not in needs:
        yield ScoreInputs(_trained(weights, needs), mask, weights, None, seed).limited_to(needs)
        return
    device = next(bare_model(runner).parameters()).device
    with ConfigNetwork(reinitialised(runner.cfg, seed), seed, device) as network:
        with one_line_if(problem):
            initialise(network.model)
            state = {name: tensor.cpu() for name, tensor in network.model.state_dict().items()}
        trained = {**state, **_trained({name: state[name] for name in mask}, needs)}
        yield ScoreInputs(trained, mask, state, network, seed).limited_to(needs)


def _trained(weights: Mapping[str, Tensor], needs: Collection[str]) -> dict[str, Tensor]:
    """What stands for trained weights: smaller ones, so that a score that may be negative is so."""
    trained = {name: weight * 0.99 for name, weight in weights.items()}
    if 'deviations' in needs:
        trained |= {f'{name}{LOG_DEVIATION}': weight * 0 for name, weight in weights.items()}
    return trained
