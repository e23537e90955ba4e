"""What the dense round alone does: it settles the rewind step, and shows what cannot work."""

import pickle

from mmengine.dist import barrier, is_main_process
from mmengine.runner import Runner

from mmlth.engine.checkpoints import (
    check_best_is_saved,
    left_out,
    load_training_state,
    save_best_weights,
)
from mmlth.engine.configs import sha256_of
from mmlth.engine.errors import LotteryError
from mmlth.engine.machine import disk_use
from mmlth.engine.models import bare_model
from mmlth.engine.rounds.round_length import check_short_rounds
from mmlth.engine.settings import BEST
from mmlth.engine.state import Search
from mmlth.engine.training import check_loop, rewind_iteration, unmoved
from mmlth.messages import join_names, reason
from mmlth.ticket import load_rewind_weights, weights_hash


def prepare_dense_round(search: Search, trainer: Runner) -> None:
    """Checks that later rounds can rewind and continue, and finds the rewind step in iterations.

    Args:
        search: The search.
        trainer: The Runner of the dense round, before it trains.

    Raises:
        LotteryError: If they cannot, or the rewind step is none of this training.
    """
    state = search.state
    check_loop(trainer)
    _check_metainfo(trainer)
    if state.rewind['step'] == BEST:
        check_best_is_saved(trainer)
    state.rewind['iteration'] = rewind_iteration(trainer, state.rewind['step'])
    check_short_rounds(search, trainer)
    if is_main_process() and not search.paths.state.exists():
        trainer.logger.info(disk_use(trainer, len(state.schedule)))


def settle_rewind_file(search: Search, trainer: Runner) -> None:
    """Takes down what the rewind file holds, which is there once the dense round is trained.

    Args:
        search: The search.
        trainer: The Runner of the dense round, at its end.

    Raises:
        LotteryError: If training stopped before the rewind step.
    """
    rewind, file = search.state.rewind, search.paths.rewind
    if rewind['step'] == BEST and is_main_process():
        save_best_weights(trainer, file)
    barrier()
    if not file.exists():
        raise LotteryError(
            f'training stopped after {trainer.iter} iterations, before the rewind step '
            f'{search.settings.rewind!r}; give an earlier lottery.rewind'
        )
    rewind['sha256'] = sha256_of(file)
    if rewind['step'] != BEST:  # of epochs of several lengths it was a guess
        rewind['iteration'] = load_training_state(file)['meta']['iter']
    settle_rewind_hash(search)


def settle_rewind_hash(search: Search) -> None:
    """Hashes θ_k, once the rewind file is there: in tickets it stands for what they start from."""
    rewind, file = search.state.rewind, search.paths.rewind
    if 'weights_sha256' not in rewind and file.exists():
        rewind['weights_sha256'] = weights_hash(load_rewind_weights(file))


def unmoved_weights(search: Search, trainer: Runner) -> list[str]:
    """The prunable weights that the dense round left as they were; warns of them.

    Args:
        search: The search.
        trainer: The Runner of the dense round, at its end.
    """
    state = search.state
    names = unmoved(bare_model(trainer), state.begun or {})
    if names and not state.config['lottery']['targets']['frozen']:
        share = sum(state.sizes[name] for name in names) / sum(state.sizes.values())
        trainer.logger.warning(
            f'{len(names)} prunable tensors, {share:.1%} of the prunable weights, are after round '
            f'0 what they were after its first iteration: {join_names(names)}; a hook freezes '
            'them, their learning rate is 0 or the model does not use them, and they are pruned '
            'all the same; name them in lottery.targets.exclude if they are to stay dense'
        )
    return names


def _check_metainfo(trainer: Runner) -> None:
    """Warns of what tickets cannot hold; refuses what MMEngine itself could not go on with."""
    data_set = trainer.train_dataloader.dataset
    metainfo = getattr(data_set, 'metainfo', None)
    try:
        pickle.dumps(metainfo)
        names = left_out(metainfo)
    except RecursionError as error:
        raise LotteryError(
            f'the METAINFO of {type(data_set).__name__} holds itself, or is nested too deep to be '
            'stored; give plain values there'
        ) from error
    except (TypeError, AttributeError, pickle.PicklingError) as error:
        raise LotteryError(
            f'the METAINFO of {type(data_set).__name__} cannot be pickled ({reason(error)}), as '
            'MMEngine does when it saves and resumes a training; give plain values there, such as '
            'a list in place of the keys of a dict'
        ) from error
    if names:
        trainer.logger.warning(
            f'the METAINFO of {type(data_set).__name__} holds what tickets cannot: '
            f'{join_names(names)}; they hold the rest'
        )
