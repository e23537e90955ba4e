"""Whether a search can be: all that is refused is refused here, before anything is trained."""

from mmengine.dist import barrier, broadcast_object_list, get_world_size, is_main_process

from mmlth.engine.configs import check_data, config_record
from mmlth.engine.distillation import lesson_for
from mmlth.engine.errors import LotteryError
from mmlth.engine.evaluation import check_validation_loss
from mmlth.engine.hooks import BayesianHook, DistilHook, PruningHook, RSTHook
from mmlth.engine.masking import (
    Pruner,
    dry_run_pruning,
    refused_as,
    split_targets,
    weight_costs,
)
from mmlth.engine.rounds import round_pace
from mmlth.engine.search.branches import branch_state, with_new_tickets
from mmlth.engine.settings import build_score
from mmlth.engine.state import (
    RunnerTraces,
    Search,
    SearchState,
    check_checkpoint,
    check_work_dir,
    delete_leftovers,
    given_checkpoint,
    recorded_targets,
    set_search_aside,
    settle_checkpoint,
)
from mmlth.engine.training import check_redrawn, rewind_iteration
from mmlth.messages import join_names
from mmlth.pruning import amounts, count_parameters, needs_of


def accept(search: Search, traces: RunnerTraces) -> None:
    """Gives a search its state: a new one, or that of the search to continue.

    Args:
        search: The search that is asked for.
        traces: What the building of its Runner left; it stays once the search is accepted.

    Raises:
        LotteryError: On bad input; a search that is there already is left as it was.
    """
    settings, paths = search.settings, search.paths
    _check_resumes_by_folder(search)
    check_data(search.runner.cfg)
    _check_hooks(search)
    state = check_work_dir(search)
    load_from = None if settings.branch else given_checkpoint(search.runner)
    if state is None:
        check_checkpoint(load_from)
    search.choice = split_targets(search.model, settings)
    _check_distillation(search)
    _check_deviations(search)
    if settings.validation_loss:
        check_validation_loss(search.runner)
    search.state = _begun(search, traces) if state is None else _continued(search, state)
    if not settings.branch:
        settle_checkpoint(search, load_from)
    if search.state.rounds:  # else the Runner of the dense round tells
        round_pace(search, 1)
    if paths.state.exists():
        traces.keep()
    search.state.accepted_config = config_record(search.runner.cfg)
    if is_main_process():
        delete_leftovers(paths, len(search.state.rounds))


def _check_resumes_by_folder(search: Search) -> None:
    runner = search.runner
    if runner._resume and runner._load_from:
        raise LotteryError(
            f'a search resumes from its work_dir, not from a checkpoint, got {runner._load_from}; '
            'give --resume (resume=True) without a path'
        )


def _check_hooks(search: Search) -> None:
    """Refuses hooks of the user that would change the masks of rounds."""
    for hook in search.runner.hooks:
        if isinstance(hook, (PruningHook, RSTHook)):
            raise LotteryError(
                'a search draws the masks of its rounds, and so would the '
                f'{type(hook).__name__} in custom_hooks; leave it out, or train without lottery '
                "(for lottery.method='gradual' and the like no hook is needed)"
            )


def _check_distillation(search: Search) -> None:
    """Refuses what round 0 cannot teach, since the head is known before round 0 trains."""
    runner, distillation = search.runner, search.settings.distillation
    if distillation is None:
        return
    if any(isinstance(hook, DistilHook) for hook in runner.hooks):
        raise LotteryError(
            f'lottery.distil={search.settings.distil} and the DistilHook in custom_hooks are two '
            'teachers; leave one of them out'
        )
    lesson_for(runner, distillation['temperature'])


def _check_deviations(search: Search) -> None:
    """Refuses a score that needs deviations where some prunable weights will have none."""
    score = search.settings.score
    with refused_as(f'lottery.score={score!r} cannot rank these weights'):
        needs = needs_of(build_score(score))
    if 'deviations' not in needs:
        return
    hooks = [hook for hook in search.runner.hooks if isinstance(hook, BayesianHook)]
    gaussian = {name for hook in hooks for name in hook.chosen(search.model)}
    numbers = [target.name for target in search.targets if target.name not in gaussian]
    if numbers:
        raise LotteryError(
            f'lottery.score={score!r} ranks Gaussian weights, but of the {len(search.targets)} '
            f'prunable ones {len(numbers)} are numbers ({join_names(numbers, 1)}); give '
            "custom_hooks=[dict(type='mmlth.BayesianHook')], with the targets of lottery if it has "
            'any, or another score'
        )


def _begun(search: Search, traces: RunnerTraces) -> SearchState:
    """The state of a new search; one that it replaces is set aside."""
    settings, paths = search.settings, search.paths
    state = branch_state(search) if settings.branch else _new_state(search)
    if settings.overwrite:
        # Before anything is deleted for the sake of a step that cannot be.
        rewind_iteration(search.runner, settings.rewind)
        if is_main_process():
            set_search_aside(paths)
    # Whether a round can be trained only its own Runner shows.
    traces.keep(lambda error: not isinstance(error, LotteryError) or paths.state.exists())
    barrier()
    return state


def _continued(search: Search, state: SearchState) -> SearchState:
    """The state of a search that is resumed."""
    if state.world_size != get_world_size():
        raise LotteryError(
            f'{search.paths.work_dir} holds a search by {state.world_size} processes, which cannot '
            f'be resumed by {get_world_size()}: the batch would change; start as many as before'
        )
    return with_new_tickets(search, state) if search.is_control else state


def _new_state(search: Search) -> SearchState:
    runner, settings, targets = search.runner, search.settings, search.targets
    seeds = [runner.seed]  # it may differ by process
    broadcast_object_list(seeds)
    costs = weight_costs(settings, runner.cfg, targets)
    sizes = {target.name: target.numel for target in targets}
    schedule = settings.kept_per_round(amounts(sizes, costs))
    if settings.rewind_what == 'reinit':
        check_redrawn(runner.cfg, targets, "lottery.rewind_what='reinit'")
    pruner = Pruner(settings, search.model, seeds[0], costs)
    dry_run_pruning(pruner, runner, targets, schedule[-1])
    return SearchState(
        config=search.config,
        load_from=None,  # `settle_checkpoint` says
        seed=seeds[0],
        world_size=get_world_size(),
        targets=recorded_targets(targets),
        parameters=count_parameters(search.model),
        schedule=schedule,
        rewind={
            'step': settings.rewind,
            'what': settings.rewind_what,
            'after': settings.after_rewind,
        },
        costs=costs,
    )
