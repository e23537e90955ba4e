"""Prunes untrained weights before anything is trained, which shows what could not be pruned."""

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence

from mmengine.dist import is_main_process
from mmengine.runner import Runner
from torch import Tensor

from mmlth.engine.configs import reinitialised
from mmlth.engine.errors import LotteryError, one_line_if
from mmlth.engine.masking.pruner import prune_arguments, ranks_by_weights_alone
from mmlth.engine.models import ConfigNetwork, bare_model, initialise
from mmlth.engine.random_numbers import rng_state, set_rng_state
from mmlth.engine.settings import Settings, build_score
from mmlth.messages import reason
from mmlth.pruning import Mask, PruningError, ScoreInputs, Target, needs_of, prune
from mmlth.pruning.scores import NotFiniteError, magnitude


def dry_run_pruning(
    runner: Runner, settings: Settings, targets: Sequence[Target], seed: int, keep: int
) -> None:
    """Prunes untrained weights as the last round will prune, so that errors come at once.

    The score is taken once, as it would be for one step. That needs a network and data only where
    the score does.

    Args:
        runner: The user's Runner; nothing about it changes.
        settings: The ``lottery`` key.
        targets: Which weights of its model may be pruned.
        seed: Of the search.
        keep: How many weights the last round keeps.

    Raises:
        LotteryError: If score, allocation, pattern and floor do not allow it, or ``early_bird`` is
            to watch what changes in no training.
    """
    model = bare_model(runner)
    weights = {target.name: target.parameter.detach().cpu().nan_to_num() for target in targets}
    if is_main_process():
        scores = _untrained_scores(runner, settings, seed, weights)
        shape = prune_arguments(settings, model, list(weights))
        try:
            prune(weights, keep=keep, score=lambda inputs: scores, **shape)
        except PruningError as error:
            raise LotteryError(f'lottery cannot be met: {reason(error)}') from error
    if settings.early_bird and not ranks_by_weights_alone(settings):
        raise LotteryError(
            f'lottery.early_bird watches the mask while a round trains, but lottery.score='
            f'{settings.score!r} looks at more than the weights; leave early_bird out'
        )


def _untrained_scores(
    runner: Runner, settings: Settings, seed: int, weights: Mapping[str, Tensor]
) -> Mapping[str, Tensor]:
    """The scores of untrained weights; magnitudes where these are no numbers that tell anything.

    Raises:
        LotteryError: If the score cannot be used with this model and these data.
    """
    problem = f'lottery.score={settings.score!r} cannot rank these weights'
    score, before = build_score(settings.score), rng_state()
    try:
        with _inputs(runner, seed, weights, needs_of(score), problem) as inputs:
            return {name: each.nan_to_num() for name, each in score(inputs).items()}
    except NotFiniteError:
        return magnitude(ScoreInputs(weights, Mask.dense(weights)))
    except PruningError as error:
        raise LotteryError(f'{problem}: {reason(error)}') from error
    finally:
        set_rng_state(before)


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
        seed: Of the search.
        weights: The untrained weights that may be pruned.
        needs: What the score declares.
        problem: What an error says first if there is no network to be had.

    Raises:
        LotteryError: If the config's model cannot be built.
    """
    mask = Mask.dense(weights)
    if 'network' not in needs:
        yield ScoreInputs(_trained(weights), mask, weights, None, seed).limited_to(needs)
        return
    device = next(bare_model(runner).parameters()).device
    with ConfigNetwork(reinitialised(runner.cfg, seed), seed, device) as network:
        with one_line_if(problem):
            initialise(network.model)
            state = {name: tensor.cpu() for name, tensor in network.model.state_dict().items()}
        trained = {**state, **_trained({name: state[name] for name in mask})}
        yield ScoreInputs(trained, mask, state, network, seed).limited_to(needs)


def _trained(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What stands for trained weights: smaller ones, so that a score that may be negative is so."""
    return {name: weight * 0.99 for name, weight in weights.items()}
