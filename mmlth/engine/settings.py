"""The ``lottery`` key of a config."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from mmlth.engine.errors import LotteryError
from mmlth.engine.registry import ALLOCATIONS, SCORES
from mmlth.pruning import kept_per_round

REWIND_WHAT = ('weights', 'learning_rate', 'nothing', 'reinit')
CHECKPOINTS = ('mmengine', 'both', 'tickets')
DEFAULT_RATE = 0.2  # of both papers


@dataclass(frozen=True)
class TargetSettings:
    """``lottery.targets``; see `mmlth.pruning.find_targets`."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    predictors: bool = False
    frozen: bool = False


@dataclass(frozen=True)
class Settings:
    """``lottery``, checked.

    Attributes:
        target_sparsity: Share of the prunable weights to remove by the last round, in (0, 1).
        rounds: Number of pruning rounds, the density falling geometrically; or
        rate: the share of the remaining weights pruned a round (by default 0.2).
        rewind: Where in round 0 the later rounds start: ``'0'``, ``'500it'``, ``'1ep'``.
        rewind_what: ``'weights'``: the whole training state of that step.
            ``'learning_rate'``: weights stay as trained, schedule and counters go back.
            ``'nothing'``: weights stay as trained, the learning rate stays where it ended.
            ``'reinit'``: a control, new random weights trained in full.
        targets: Which weights may be pruned.
        score: What ranks the weights (a name in the registry ``SCORES``).
        allocation: How the budget is spread over layers (a name in ``ALLOCATIONS``).
        pattern: The shape in which weights are removed.
        checkpoints: What a round writes while it trains: ``'mmengine'``: the CheckpointHook's
            files; ``'both'``: a ticket beside each of them; ``'tickets'``: tickets in their place,
            but for the newest one, from which training resumes.
        rounds_per_run: After how many rounds a process ends though more are left, as for a chain
            of jobs of one round each; by default it runs them all.
        overwrite: Whether a search that ``work_dir`` holds may be deleted.
    """

    target_sparsity: float = 0.8
    rounds: int | None = None
    rate: float | None = None
    rewind: str = '1ep'
    rewind_what: str = 'weights'
    targets: TargetSettings = TargetSettings()
    score: str = 'magnitude'
    allocation: str = 'global'
    pattern: str = 'unstructured'
    checkpoints: str = 'mmengine'
    rounds_per_run: int | None = None
    overwrite: bool = False

    def schedule(self, total: int) -> list[int]:
        """Number of weights that each round keeps, of ``total`` prunable ones."""
        return kept_per_round(total, self.target_sparsity, self.rounds, self.rate)

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
    if 'rounds' not in values:
        values.setdefault('rate', DEFAULT_RATE)
    _check_number('target_sparsity', values.get('target_sparsity', 0.8))
    if 'rate' in values:
        _check_number('rate', values['rate'])
    for key in ('rounds', 'rounds_per_run'):
        _check_count(key, values.get(key, 1))
    values['rewind'] = str(values.get('rewind', '1ep'))
    parse_step(values['rewind'])
    _check_choice('rewind_what', values.get('rewind_what', 'weights'), REWIND_WHAT)
    _check_choice('score', values.get('score', 'magnitude'), SCORES.module_dict)
    _check_choice('allocation', values.get('allocation', 'global'), ALLOCATIONS.module_dict)
    _check_choice('pattern', values.get('pattern', 'unstructured'), ['unstructured'])
    _check_choice('checkpoints', values.get('checkpoints', 'mmengine'), CHECKPOINTS)
    if not isinstance(values.get('overwrite', False), bool):
        raise LotteryError(f'lottery.overwrite must be True or False, got {values["overwrite"]!r}')
    return Settings(**values)


def parse_step(step: str) -> tuple[int, str]:
    """Reads a step: ``'0'`` → (0, 'it'), ``'500it'`` → (500, 'it'), ``'1ep'`` → (1, 'ep').

    Raises:
        LotteryError: If it is none of these.
    """
    match = re.fullmatch(r'(\d+)(it|ep)|0', step)
    if match is None:
        raise LotteryError(f"lottery.rewind must be like '0', '500it' or '1ep', got {step!r}")
    return (int(match[1]), match[2]) if match[1] else (0, 'it')


def _parse_targets(targets: Any) -> TargetSettings:
    if not isinstance(targets, Mapping):
        raise LotteryError(
            f"lottery.targets must be a dict like dict(exclude=['neck']), got {targets!r}"
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
        elif not isinstance(value, bool):
            raise LotteryError(f'lottery.targets.{key} must be True or False, got {value!r}')
        values[key] = value
    return TargetSettings(**values)


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
