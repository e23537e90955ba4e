"""One round of a search: planned, trained and recorded."""

import contextlib
import gc
import shutil
from collections.abc import Iterator

import torch
from mmengine.dist import is_main_process
from mmengine.runner import Runner

from mmlth.engine.models import bare_model
from mmlth.engine.rounds.control_plans import plan_control
from mmlth.engine.rounds.dense_round import prepare_dense_round
from mmlth.engine.rounds.plans import plan_round
from mmlth.engine.rounds.record import record_round
from mmlth.engine.rounds.round import Round
from mmlth.engine.rounds.round_hooks import register_hooks
from mmlth.engine.rounds.shown import show_done
from mmlth.engine.rounds.training import train_round
from mmlth.engine.state import Search, SearchPaths
from mmlth.engine.training import closed_once
from mmlth.pruning import Mask


def run_round(search: Search, index: int) -> Runner:
    """Runs a round, or what is left of it, and adds its result to the state and search.json.

    Args:
        search: The search, whose rounds before are done.
        index: The index of the round; 0 is the dense one.

    Returns:
        The Runner that trained it.

    Raises:
        LotteryError: If the round before left something that cannot be used.
        Preempted: If a signal asked for the end.
    """
    with _no_remains_of_a_search_that_never_began(search.paths, index):
        round_ = _planned(search, index)
        with closed_once(round_.trainer.visualizer):  # before the next round opens a run
            _train(search, round_)
            record_round(search, round_)
            show_done(search, round_)
    return round_.trainer


def _planned(search: Search, index: int) -> Round:
    search.display.wait(f'round {index} of {search.state.last_round} is prepared')
    plan = plan_control(search, index) if search.is_control else plan_round(search, index)
    sparsity = plan.mask.sparsity if plan.mask else _sparsity_by_method(search, index)
    search.runner.logger.info(
        f'search: round {index} of {search.state.last_round} starts, sparsity {sparsity:.1%}'
    )
    if plan.pace is not None:
        search.runner.logger.info(f'search: round {index} {plan.pace}')
    trainer = type(search.runner).from_cfg(plan.config)
    return Round(index, plan, plan.mask or _dense_mask(search, trainer), sparsity, trainer)


def _sparsity_by_method(search: Search, index: int) -> float:
    """What a round without a mask of its own ends with: 0, unless ``lottery.method`` prunes."""
    total = sum(search.state.amounts.values())
    return 1 - search.state.schedule[index] / total if search.settings.method else 0.0


def _train(search: Search, round_: Round) -> None:
    if round_.index == 0:
        prepare_dense_round(search, round_.trainer)
    register_hooks(search, round_)
    round_.result = train_round(round_.trainer)


def _dense_mask(search: Search, trainer: Runner) -> Mask:
    weights = bare_model(trainer).state_dict()
    return Mask.dense({name: weights[name] for name in search.state.sizes})


def free_memory() -> None:
    """Lets go of what a round has left."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


@contextlib.contextmanager
def _no_remains_of_a_search_that_never_began(paths: SearchPaths, index: int) -> Iterator[None]:
    """Where an error comes before training has begun, the same folder takes a search again."""
    try:
        yield
    except (Exception, KeyboardInterrupt):
        if is_main_process() and not paths.state.exists():
            shutil.rmtree(paths.round(index), ignore_errors=True)
            if paths.parent_search is None:
                paths.rewind.unlink(missing_ok=True)
        raise
