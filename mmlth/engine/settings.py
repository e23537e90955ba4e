"""The ``lottery`` key of a config."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from mmlth.engine.choices import Spec, build_allocation, build_pattern, build_score
from mmlth.engine.controls import build_control
from mmlth.engine.errors import LotteryError
from mmlth.pruning import kept_at, kept_per_round
from mmlth.pruning.scopes import read_scope

REWIND_WHAT = ('weights', 'learning_rate', 'nothing', 'reinit')
AFTER_REWIND = ('continue', 'full')
BEST = 'best'
CHECKPOINTS = ('mmengine', 'both', 'tickets')
DEFAULT_RATE = 0.2  # of both papers
DEFAULT_TARGET = 0.8
AGREEMENT = 0.0005  # how far apart two ways to say one sparsity may be


@dataclass(frozen=True)
class TargetSettings:
    """``lottery.targets``; see `mmlth.pruning.find_targets`."""

    scope: str = 'all'
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    predictors: bool = False
    frozen: bool = False


@dataclass(frozen=True)
class BranchSettings:
    """``lottery.branch``: the search shares its dense round with another one, its trunk.

    Attributes:
        control: What is compared with the trunk's tickets: a name, or a dict with the name as
            ``type`` and its options; see `mmlth.engine.controls`. None: a search with other
            settings.
        tickets: The rounds of the trunk whose tickets get the control; by default all of them.
        seed: Another one draws other masks, weights or orders.
        label: Its name in reports, where several branches may share one; by default the folder's.
    """

    control: str | dict[str, Any] | None = None
    tickets: tuple[int, ...] | None = None
    seed: int = 0
    label: str | None = None


@dataclass(frozen=True)
class EarlyBirdSettings:
    """``lottery.early_bird``: rounds but the last end when the next round's mask has converged.

    Attributes:
        window: Number of masks, one an epoch, that have to agree.
        distance: How much of the competing weights the newest one may differ in from each of the
            others, in (0, 1).
        interval: After how many iterations a mask is drawn in loops without epochs; by default
            as often as they validate.
        full_dense: Whether round 0 trains in full: the dense model to compare with.
    """

    window: int = 5
    distance: float = 0.1
    interval: int | None = None
    full_dense: bool = False


@dataclass(frozen=True)
class Settings:
    """``lottery``, checked.

    Attributes:
        target_sparsity: Share of the prunable weights to remove by the last round, in (0, 1); None
            where the allocation says it.
        rounds: Number of pruning rounds, the density falling geometrically; or
        rate: the share of the remaining weights pruned a round (by default 0.2); or
        sparsities: the sparsity after each round.
        rewind: Where in round 0 the later rounds start: ``'0'``, ``'500it'``, ``'1ep'``; or
            ``'best'``, its best weights by the CheckpointHook's ``save_best`` (``pt`` of Chen et
            al., CVPR 2021).
        rewind_what: ``'weights'``: the whole training state of that step.
            ``'learning_rate'``: weights stay as trained, schedule and counters go back.
            ``'nothing'``: weights stay as trained, the learning rate stays where it ended.
            ``'reinit'``: a control, new random weights trained in full.
        after_rewind: ``'continue'``: rounds go on from the rewind step, its schedule, optimizer and
            counters included. ``'full'``: they keep the weights alone and train the whole schedule
            anew, as both papers' codes do. By default they go on, but for ``rewind='best'``.
        targets: Which weights may be pruned; a string is its ``scope``.
        score: What ranks the weights: a name in the registry ``SCORES``, or a dict with the name as
            ``type`` and its options.
        allocation: How the budget is spread over layers: a name in ``ALLOCATIONS``, or a dict of
            the same kind, or final sparsities by module.
        floor: The smallest share of a layer that is kept, at least one weight; 0 lets layers die.
        pattern: The shape in which weights are removed: a name in ``PATTERNS``, ``'2:4'`` or the
            like, or a dict.
        early_bird: When a round ends before its schedule does; None: never.
        checkpoints: What a round writes while it trains: ``'mmengine'``: the CheckpointHook's
            files; ``'both'``: a ticket beside each of them; ``'tickets'``: tickets in their place,
            but for the newest one, from which training resumes.
        rounds_per_run: After how many rounds a process ends though more are left, as for a chain
            of jobs of one round each; by default it runs them all.
        overwrite: Whether a search that ``work_dir`` holds may be deleted.
        branch: What makes this a branch of the search in ``work_dir/../..``; None: it is none.
        ticket: A ticket to train once, as it is, in place of a search.
    """

    target_sparsity: float | None = DEFAULT_TARGET
    rounds: int | None = None
    rate: float | None = None
    sparsities: tuple[float, ...] | None = None
    rewind: str = '1ep'
    rewind_what: str = 'weights'
    after_rewind: str = 'continue'
    targets: TargetSettings = TargetSettings()
    score: Spec = 'magnitude'
    allocation: Spec = 'global'
    floor: float = 0.001
    pattern: Spec = 'unstructured'
    early_bird: EarlyBirdSettings | None = None
    checkpoints: str = 'mmengine'
    rounds_per_run: int | None = None
    overwrite: bool = False
    branch: BranchSettings | None = None
    ticket: str | None = None

    def schedule(self, sizes: Mapping[str, int]) -> list[int]:
        """Number of weights that each round keeps.

        Args:
            sizes: Number of weights of each prunable parameter by name.

        Raises:
            LotteryError: If the allocation says another sparsity than the other keys.
        """
        total, kept = sum(sizes.values()), self.kept(sizes)
        if self.sparsities is not None:
            return [*kept_at(total, self.sparsities)[:-1], kept]
        return kept_per_round(total, (total - kept) / total, self.rounds, self.rate)

    def kept(self, sizes: Mapping[str, int]) -> int:
        """Number of weights that the last round keeps; for arguments and errors see `schedule`."""
        total = sum(sizes.values())
        allocation = build_allocation(self.allocation)
        if not hasattr(allocation, 'kept'):
            return total - round(total * (self.target_sparsity or DEFAULT_TARGET))
        try:
            kept = int(allocation.kept(sizes))
        except ValueError as error:
            raise LotteryError(f'lottery.allocation: {error}') from error
        given, found = self.target_sparsity, (total - kept) / total
        if given is not None and abs(given - found) > AGREEMENT:
            key = 'target_sparsity' if self.sparsities is None else 'sparsities'
            raise LotteryError(
                f'lottery.allocation={self.allocation} removes {found:.4f} of the prunable '
                f'weights, but lottery.{key} asks for {given}; give that number, or leave '
                'target_sparsity out (None)'
            )
        return kept

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def parse_settings(lottery: Any) -> Settings:
    """Checks the ``lottery`` key of a config.

    Raises:
        LotteryError: On an unknown key, a value out of range, or keys that exclude each other.
    """
    if not isinstance(lottery, Mapping):
        raise LotteryError(f'lottery must be a dict, got {lottery!r}')
    _check_keys('lottery', lottery, [field.name for field in fields(Settings)])
    values = {key: value for key, value in lottery.items() if value is not None}
    values['targets'] = _parse_targets(values.get('targets', {}))
    if 'rounds' in values and 'rate' in values:
        raise LotteryError(
            f'lottery.rounds={values["rounds"]} and lottery.rate={values["rate"]} exclude each '
            'other; keep one (set the other to None)'
        )
    _check_number('target_sparsity', values.get('target_sparsity', DEFAULT_TARGET))
    if 'sparsities' in values:
        _settle_sparsities(values)
    elif 'rounds' not in values:
        values.setdefault('rate', DEFAULT_RATE)
    if 'rate' in values:
        _check_number('rate', values['rate'])
    for key in ('rounds', 'rounds_per_run'):
        _check_count(key, values.get(key, 1))
    values['rewind'] = str(values.get('rewind', '1ep'))
    parse_step(values['rewind'])
    _check_choice('rewind_what', values.get('rewind_what', 'weights'), REWIND_WHAT)
    _settle_after_rewind(values)
    _settle_cut(values)
    if 'early_bird' in values:
        values['early_bird'] = _parse_early_bird(values['early_bird'], values)
    _check_choice('checkpoints', values.get('checkpoints', 'mmengine'), CHECKPOINTS)
    if not isinstance(values.get('overwrite', False), bool):
        raise LotteryError(f'lottery.overwrite must be True or False, got {values["overwrite"]!r}')
    if 'branch' in values:
        values['branch'] = _parse_branch(values['branch'])
    if not isinstance(values.get('ticket', ''), str):
        raise LotteryError(f'lottery.ticket must be the path of a file, got {values["ticket"]!r}')
    return Settings(**values)


def parse_step(step: str) -> tuple[int, str]:
    """Reads a step: ``'0'`` → (0, 'it'), ``'500it'`` → (500, 'it'), ``'1ep'`` → (1, 'ep').

    ``'best'`` is no step; what starts there starts at iteration 0.

    Raises:
        LotteryError: If it is none of these.
    """
    match = re.fullmatch(rf'(\d+)(it|ep)|0|{BEST}', step)
    if match is None:
        raise LotteryError(
            f"lottery.rewind must be like '0', '500it' or '1ep', or 'best', got {step!r}"
        )
    return (int(match[1]), match[2]) if match[1] else (0, 'it')


def _settle_sparsities(values: dict[str, Any]) -> None:
    """Checks the list, which excludes ``rounds`` and ``rate`` and ends at the target."""
    given = values['sparsities']
    for key in ('rounds', 'rate'):
        if key in values:
            raise LotteryError(
                f'lottery.sparsities={given} and lottery.{key}={values[key]} exclude each other; '
                'keep one (set the other to None)'
            )
    given = [given] if isinstance(given, (int, float)) else given
    if not isinstance(given, (list, tuple)) or not given:
        raise LotteryError(
            f'lottery.sparsities must be a list such as [0.5, 0.8, 0.9], got {given!r}'
        )
    for value in given:
        _check_number('sparsities', value)
    try:
        kept_at(1, given)
    except ValueError as error:
        raise LotteryError(f'lottery.{error}') from error
    if values.setdefault('target_sparsity', given[-1]) != given[-1]:
        raise LotteryError(
            f'lottery.target_sparsity={values["target_sparsity"]}, but lottery.sparsities ends at '
            f'{given[-1]}; leave the target out (None), or let them agree'
        )
    values['sparsities'] = tuple(given)


def _settle_cut(values: dict[str, Any]) -> None:
    """Checks how weights are chosen: score, allocation, floor, pattern."""
    for key in ('score', 'allocation', 'pattern'):
        if isinstance(values.get(key), Mapping):
            values[key] = _plain(values[key])
    build_score(values.get('score', 'magnitude'))
    allocation = build_allocation(values.get('allocation', 'global'))
    pattern = build_pattern(values.get('pattern', 'unstructured'))
    values.setdefault('target_sparsity', None if hasattr(allocation, 'kept') else DEFAULT_TARGET)
    target, least = values['target_sparsity'], getattr(pattern, 'least_sparsity', 0.0)
    lowest = [target, *getattr(allocation, 'modules', {}).values()]
    for value in lowest:
        if value is not None and value < least - 1e-9:
            raise LotteryError(
                f'lottery.pattern={values["pattern"]!r} removes at least {least:.4g} of the '
                f'weights, but {value} is asked for; give at least {least:.4g}'
            )
    floor = values.get('floor', 0)
    if isinstance(floor, bool) or not isinstance(floor, (int, float)) or not 0 <= floor < 1:
        raise LotteryError(f'lottery.floor must be a share from 0 to below 1, got {floor!r}')


def _plain(value: Any) -> Any:
    """The same without the config's own kinds of dicts and lists."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _settle_after_rewind(values: dict[str, Any]) -> None:
    """Fills in ``after_rewind``, and refuses what does not go together."""
    best, what = values['rewind'] == BEST, values.get('rewind_what', 'weights')
    values.setdefault('after_rewind', 'full' if best else 'continue')
    _check_choice('after_rewind', values['after_rewind'], AFTER_REWIND)
    if best and what != 'weights':
        raise LotteryError(
            f"lottery.rewind='best' rewinds weights, but rewind_what={what!r} starts elsewhere; "
            "give a step such as '1ep'"
        )
    if best and values['after_rewind'] == 'continue':
        raise LotteryError(
            "lottery.rewind='best' has no place in the schedule to continue from; leave "
            "lottery.after_rewind out, or give 'full'"
        )
    if what == 'nothing' and values['after_rewind'] == 'full':
        raise LotteryError(
            "lottery.rewind_what='nothing' stays at the last learning rate, while "
            "after_rewind='full' runs the schedule anew; keep one of them"
        )


def _parse_targets(targets: Any) -> TargetSettings:
    if isinstance(targets, str):
        targets = {'scope': targets}
    if not isinstance(targets, Mapping):
        raise LotteryError(
            "lottery.targets must be roles like 'backbone+neck' or a dict like "
            f"dict(scope='all', exclude=['neck']), got {targets!r}"
        )
    _check_keys('lottery.targets', targets, [field.name for field in fields(TargetSettings)])
    values: dict[str, Any] = {}
    for key, value in targets.items():
        if key in ('include', 'exclude'):
            value = (value,) if isinstance(value, str) else value
            if not isinstance(value, (list, tuple)) or not all(isinstance(p, str) for p in value):
                raise LotteryError(
                    f'lottery.targets.{key} must be a list of patterns, got {value!r}'
                )
            value = tuple(value)
        elif key == 'scope':
            if not isinstance(value, str):
                raise LotteryError(
                    f"lottery.targets.scope must be roles like 'backbone+neck', got {value!r}"
                )
        elif not isinstance(value, bool):
            raise LotteryError(f'lottery.targets.{key} must be True or False, got {value!r}')
        values[key] = value
    chosen = TargetSettings(**values)
    try:
        scope = read_scope(chosen.scope)
    except ValueError as error:
        raise LotteryError(f'lottery.targets: {error}') from error
    # Said outright, for the records of searches and tickets.
    return replace(
        chosen,
        predictors=chosen.predictors or scope.predictors,
        frozen=chosen.frozen or scope.frozen,
    )


def _parse_branch(branch: Any) -> BranchSettings:
    if not isinstance(branch, Mapping):
        raise LotteryError(
            f"lottery.branch must be a dict like dict(control='random'), got {branch!r}"
        )
    _check_keys('lottery.branch', branch, [field.name for field in fields(BranchSettings)])
    values = {key: value for key, value in branch.items() if value is not None}
    if not isinstance(values.get('control', ''), (str, Mapping)):
        raise LotteryError(
            f'lottery.branch.control must be a name or a dict with type, got {values["control"]!r}'
        )
    if isinstance(values.get('control'), Mapping):
        values['control'] = dict(values['control'])
    if 'control' in values:
        build_control(values['control'])
    if 'tickets' in values:
        given = values['tickets']
        given = [given] if isinstance(given, int) else given
        if not isinstance(given, (list, tuple)) or not given:
            raise LotteryError(
                f'lottery.branch.tickets must be a list of rounds such as [3, 5], got {given!r}'
            )
        for index in given:
            _check_count('branch.tickets', index)
        values['tickets'] = tuple(sorted(set(given)))
    if not isinstance(values.get('seed', 0), int) or isinstance(values.get('seed'), bool):
        raise LotteryError(f'lottery.branch.seed must be a whole number, got {values["seed"]!r}')
    return BranchSettings(**values)


def _parse_early_bird(given: Any, lottery: Mapping[str, Any]) -> EarlyBirdSettings:
    if not isinstance(given, Mapping):
        raise LotteryError(
            f'lottery.early_bird must be a dict like dict(window=5, distance=0.1), got {given!r}'
        )
    _check_keys('lottery.early_bird', given, [field.name for field in fields(EarlyBirdSettings)])
    found = EarlyBirdSettings(**{key: value for key, value in given.items() if value is not None})
    _check_number('early_bird.distance', found.distance)
    _check_count('early_bird.window', found.window)
    _check_count('early_bird.interval', 1 if found.interval is None else found.interval)
    if found.window < 2:
        raise LotteryError(
            f'lottery.early_bird.window compares 2 masks or more, got {found.window}'
        )
    if not isinstance(found.full_dense, bool):
        raise LotteryError(
            f'lottery.early_bird.full_dense must be True or False, got {found.full_dense!r}'
        )
    if lottery.get('rewind_what') == 'nothing' and not found.full_dense:
        raise LotteryError(
            "lottery.rewind_what='nothing' stays at the learning rate that round 0 ended with, "
            'which is still high where early_bird stops it; add early_bird.full_dense=True'
        )
    if lottery.get('rounds') == 1 and found.full_dense:
        raise LotteryError(
            'lottery.early_bird.full_dense=True leaves no round to stop where rounds=1; remove it'
        )
    return found


def _check_keys(where: str, given: Iterable[str], valid: list[str]) -> None:
    for key in given:
        if key not in valid:
            nearest = difflib.get_close_matches(str(key), valid, n=1)
            hint = f'did you mean {nearest[0]!r}? ' if nearest else ''
            raise LotteryError(f'unknown key {where}.{key}; {hint}valid keys: {", ".join(valid)}')


def _check_number(key: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1:
        raise LotteryError(f'lottery.{key} must lie between 0 and 1 (excluded), got {value!r}')


def _check_count(key: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise LotteryError(f'lottery.{key} must be a whole number of at least 1, got {value!r}')


def _check_choice(key: str, value: Any, valid: Iterable[str]) -> None:
    if value not in list(valid):
        raise LotteryError(
            f'lottery.{key} must be one of {", ".join(sorted(valid))}, got {value!r}'
        )
