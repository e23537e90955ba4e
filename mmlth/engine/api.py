"""What notebooks and the command line call: run a search, choose targets, by config or name."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import RUNNERS
from mmengine.runner import Runner
from torch import nn

from mmlth.engine.configs import read_config, searched_config
from mmlth.engine.default_scope import enter_default_scope
from mmlth.engine.entry import check_searches
from mmlth.engine.errors import LotteryError
from mmlth.engine.masking import choose_targets, split_targets, table_of_targets
from mmlth.engine.models import build_model
from mmlth.engine.settings import is_method, parse_settings, without_use
from mmlth.engine.state import (
    MACS_KEYS,
    SearchPaths,
    SearchState,
    keep_load_from,
    load_state,
)
from mmlth.engine.training import experiment_name
from mmlth.pruning import Target
from mmlth_common.lottery import SCHEDULE_KEYS, WEIGHTS


def search(
    config: str | Path | Config,
    *,
    work_dir: str | Path | None = None,
    resume: bool = False,
    amp: bool = False,
    auto_scale_lr: bool = False,
    launcher: str = 'none',
    cfg_options: Mapping[str, Any] | None = None,
    **lottery: Any,
) -> list[dict[str, Any]]:
    """Runs a lottery-ticket search, as the packages' own training scripts do.

    Args:
        config: A file, a name such as ``mmdet::FOLDER/CONFIG.py``, or a config; with a
            ``lottery`` key or without.
        work_dir: Where to; by default the config's, else ``work_dirs/`` and the config's name.
        resume: Whether to continue a search that ``work_dir`` holds.
        amp: Whether to train with automatic mixed precision.
        auto_scale_lr: Whether to scale the learning rate with the batch size.
        launcher: ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.
        cfg_options: Changes of the config by dotted key.
        **lottery: Changes of the ``lottery`` key, such as ``target_sparsity=0.9``; with
            ``ticket=PATH`` that ticket is trained once instead, and nothing is returned.

    Returns:
        What ``search.json`` records of each round: sparsity, metrics, seconds, ticket, …

    Raises:
        LotteryError: On bad input.

    Example:
        >>> import mmlth
        >>> mmlth.search('mmdet::yolox/no_such_config.py')
        Traceback (most recent call last):
        mmlth.errors.LotteryError: mmdet has no config 'yolox/no_such_config.py'; ...
    """
    cfg = _with_lottery(read_config(config, cfg_options), lottery)
    cfg.launcher = launcher
    if work_dir is not None:
        cfg.work_dir = str(work_dir)
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs', Path(cfg.filename or 'search').stem))
    if amp:
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.loss_scale = 'dynamic'
    if auto_scale_lr:
        if 'base_batch_size' not in (cfg.get('auto_scale_lr') or {}):
            raise LotteryError('auto_scale_lr needs the key auto_scale_lr.base_batch_size')
        cfg.auto_scale_lr.enable = True
    if cfg.get('train_cfg') is None:
        raise LotteryError('the config has no train_cfg, so there is nothing to search by training')
    load_from = cfg.get('load_from')
    if resume:
        cfg.resume, cfg.load_from = True, None
    enter_default_scope(cfg)
    runner = RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
    check_searches(runner)
    keep_load_from(runner.cfg, load_from)
    runner.train()
    state = load_state(SearchPaths(Path(runner.work_dir)))
    return state.rounds if state else []


def branch(
    work_dir: str | Path,
    control: str | Mapping[str, Any] | None = None,
    *,
    name: str | None = None,
    label: str | None = None,
    tickets: Sequence[int] | None = None,
    seed: int = 0,
    length: float | str | None = None,
    resume: bool = False,
    launcher: str = 'none',
    cfg_options: Mapping[str, Any] | None = None,
    **lottery: Any,
) -> list[dict[str, Any]]:
    """Trains a control of a search, or a search with other settings, without its dense round.

    Args:
        work_dir: Of the search; the branch goes to ``work_dir/branches/NAME``.
        control: A name or a dict with the name as ``type`` and options; ``'random'``,
            ``'random_layerwise'``, ``'permuted'``, ``'complement'``, ``'noise'`` (``share``,
            ``matched``), ``'reinit'``, ``'data_order'``, ``'long_dense'``, or one of your own in
            the registry ``CONTROLS``. None: a search with other settings, given by ``lottery``.
            A method that prunes while training, ``'gradual'`` and the like, is the same as
            ``method='gradual'`` among these.
        name: By default after the control or the settings.
        label: Its line in `mmlth report`, which several branches may share; by default the name.
        tickets: The rounds whose tickets get the control, or whose sparsities a method trains; by
            default all pruned ones.
        seed: Another one draws other masks, weights or orders.
        length: How many times as long the rounds train as those of the search, their schedule
            stretched; ``'search'``: each as long as all rounds of the search together. Controls
            train in full, and take none.
        resume: Whether to continue a branch of that name.
        launcher: As for `search`.
        cfg_options: Changes of the config that leave the dense round as it is.
        **lottery: Changes of the ``lottery`` key, such as ``rewind_what='learning_rate'``.

    Returns:
        What the branch's ``search.json`` records of each round; the first is the shared dense one.

    Raises:
        LotteryError: On bad input.
    """
    root = Path(work_dir)
    state = load_state(SearchPaths(root))
    if state is None:
        raise LotteryError(f'{root} holds no search: it has no search.json')
    config = searched_config(SearchPaths(root).state)
    given = name or _branch_name(control, seed, length, lottery)
    folder = SearchPaths(root).branches / given
    if length is not None:  # in place of a shorter one that the search may have
        lottery = {'round_length': None, **lottery}
    if control is not None and is_method(control):
        lottery, control = {**lottery, 'method': control}, None
    if lottery.get('method') is not None:
        lottery = {**without_use(lottery['method']), **lottery}
        if lottery.keys().isdisjoint(SCHEDULE_KEYS):
            begun = load_state(SearchPaths(folder)) if resume else None
            target = lottery.pop('target_sparsity', None)
            if target is not None:
                lottery['sparsities'] = [target]
            elif begun is not None and tickets is None:  # whatever the search has done since
                lottery['sparsities'] = begun.config['lottery']['sparsities']
            else:
                budget = lottery.get('budget', config.lottery.get('budget')) or WEIGHTS
                lottery['sparsities'] = _sparsities(state, tickets, budget != WEIGHTS)
            tickets = None
    settings = {
        'control': control,
        'tickets': tickets and list(tickets),
        'seed': seed,
        'length': length,
        'label': label,
    }
    config.experiment_name = experiment_name(config, folder)
    return search(
        config,
        work_dir=folder,
        resume=resume,
        launcher=launcher,
        cfg_options=cfg_options,
        branch=settings,
        **lottery,
    )


def _sparsities(state: SearchState, tickets: Sequence[int] | None, of_macs: bool) -> list[float]:
    """Those of a search's tickets, in what the branch counts: weights, or multiply-adds."""
    if of_macs and state.costs is None:
        raise LotteryError(
            'the branch counts multiply-adds, of which the search has not told how many its '
            'tickets keep; give sparsities'
        )
    total, kept = MACS_KEYS if of_macs else ('prunable', 'kept')
    done = {record['round']: record for record in state.rounds[1:]}
    if missing := [index for index in tickets or done or [1] if index not in done]:
        raise LotteryError(
            f'a method trains the sparsities of the tickets, but of rounds {sorted(done)} there is '
            f'no round {missing[0]}; let the search go on, or give sparsities'
        )
    return sorted({1 - done[index][kept] / done[index][total] for index in tickets or done})


def _branch_name(
    control: str | Mapping[str, Any] | None,
    seed: int,
    length: float | str | None,
    lottery: Mapping[str, Any],
) -> str:
    lottery = {key: value for key, value in lottery.items() if key != 'progress'}
    if control is None and length is None and not lottery:
        raise LotteryError(
            'a branch needs a control, or settings that differ from those of the search, such as '
            "rewind_what='learning_rate'"
        )
    given = dict(control) if isinstance(control, Mapping) else {'type': control}
    kind = given.pop('type')
    parts = [str(getattr(kind, '__name__', kind))] if kind else []
    parts += [f'{key}_{value}' for key, value in (given or lottery).items()]
    if length is not None:
        parts.append(f'length_{length}')
    if seed:
        parts.append(f'seed_{seed}')
    return re.sub(r'[^\w.+-]+', '_', '-'.join(parts)).strip('_')


def targets(
    config: str | Path | Config, cfg_options: Mapping[str, Any] | None = None, **lottery: Any
) -> tuple[list[Target], nn.Module]:
    """The weights that a search would prune, without data; takes seconds.

    Args:
        config: As for `search`.
        cfg_options: As for `search`.
        **lottery: As for `search`.

    Returns:
        The targets, and the model that they belong to, with random weights.

    Raises:
        LotteryError: On bad input, or if the model has no prunable weights.
    """
    cfg = _with_lottery(read_config(config, cfg_options), lottery)
    settings = parse_settings(cfg.lottery, cfg.get('default_scope'))
    model = build_model(cfg)
    return choose_targets(model, settings), model


def targets_table(
    config: str | Path | Config, cfg_options: Mapping[str, Any] | None = None, **lottery: Any
) -> str:
    """What `targets` chooses, by module and as plain text; for arguments and errors see there."""
    cfg = _with_lottery(read_config(config, cfg_options), lottery)
    model = build_model(cfg)
    settings = parse_settings(cfg.lottery, cfg.get('default_scope'))
    return table_of_targets(model, settings, split_targets(model, settings))


def _with_lottery(config: Config, changes: Mapping[str, Any]) -> Config:
    given = config.get('lottery') or {}
    if not isinstance(given, Mapping):
        parse_settings(given)  # says what is wrong with it
    lottery = dict(given)
    excluded = {'target_sparsity'} if 'sparsities' in changes else set()
    if not changes.keys().isdisjoint(SCHEDULE_KEYS):
        excluded.update(set(SCHEDULE_KEYS) - changes.keys())
    for key in excluded:
        lottery.pop(key, None)
    lottery.update(changes)
    config.lottery = lottery
    return config
