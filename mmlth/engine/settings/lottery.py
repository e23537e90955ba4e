"""The whole of ``lottery``."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mmengine.registry import DefaultScope

from mmlth.engine.errors import LotteryError
from mmlth.engine.settings.branch import parse_branch
from mmlth.engine.settings.budget import parse_budget
from mmlth.engine.settings.checks import check_keys, check_values
from mmlth.engine.settings.choices import build_allocation, build_schedule, settle_names
from mmlth.engine.settings.distil import parse_distil
from mmlth.engine.settings.early_bird import parse_early_bird
from mmlth.engine.settings.members import Spec
from mmlth.engine.settings.method import settle_method
from mmlth.engine.settings.pruning import settle_schedule, validate_pruning
from mmlth.engine.settings.rewinding import parse_step, settle_after_rewind
from mmlth.engine.settings.round_length import (
    RoundLength,
    build_round_length,
    settle_round_length,
)
from mmlth.engine.settings.targets import parse_targets
from mmlth.messages import reason
from mmlth.pruning import PruningError, check_schedule, kept_at
from mmlth_common.lottery import DEFAULT_TARGET, SCHEDULE_KEYS, WEIGHTS, LotteryKeys, names_of

_SCHEDULE_OF = {'sparsities': 'by_list', 'rounds': 'geometric', 'rate': 'by_rate'}
_LATER = {
    'schedule': None,
    'budget': WEIGHTS,
    'method': None,
    'round_length': None,
    'distil': None,
    'progress': False,
}
"""Keys that files had not yet, and their defaults."""
AGREEMENT = 0.0005  # how far apart two ways to say one sparsity may be


@dataclass(frozen=True)
class Settings(LotteryKeys):
    """``lottery``, checked: the keys, and what follows from them."""

    @property
    def chosen_by(self) -> str:
        """The key that chooses the schedule."""
        given = (key for key in SCHEDULE_KEYS if getattr(self, key) is not None)
        return next(given, 'rate')

    @property
    def chosen_schedule(self) -> Spec:
        """The schedule, which one of four keys chooses."""
        if self.schedule is not None:
            return self.schedule
        key = self.chosen_by
        return {'type': _SCHEDULE_OF[key], key: getattr(self, key)}

    @property
    def counts_macs(self) -> bool:
        """Whether sparsities count multiply-adds rather than weights."""
        return self.budget != WEIGHTS

    @property
    def cost_power(self) -> float:
        """The power of a weight's multiply-adds that its score is divided by."""
        return float(self.budget['power']) if isinstance(self.budget, Mapping) else 0.0

    @property
    def shorter_rounds(self) -> RoundLength | None:
        """How long the rounds between the dense and the last one train; None: in full."""
        return None if self.round_length is None else build_round_length(self.round_length)

    @property
    def distillation(self) -> dict[str, float] | None:
        """Weight and temperature of the distillation; None where there is none."""
        if self.distil is None:
            return None
        given = self.distil if isinstance(self.distil, Mapping) else {'weight': self.distil}
        return {'temperature': 1.0, **given}

    def kept_per_round(self, sizes: Mapping[str, int]) -> list[int]:
        """How many weights, or multiply-adds, each round keeps.

        Args:
            sizes: How many each prunable parameter has, by name; see `mmlth.pruning.amounts`.

        Raises:
            LotteryError: If the allocation says another sparsity than the other keys, or the
                schedule is none.
        """
        total, kept = sum(sizes.values()), self.kept(sizes)
        if self.method is not None:
            if self.branch is None:
                return [kept]  # one training, with no dense one before
            return kept_at(total, self.sparsities) if self.sparsities else [total, kept]
        schedule = build_schedule(self.chosen_schedule)
        try:
            return check_schedule(schedule(total, kept), total, kept)
        except PruningError as error:
            key = self.chosen_by
            raise LotteryError(f'lottery.{key}={getattr(self, key)!r}: {reason(error)}') from error

    def kept(self, sizes: Mapping[str, int]) -> int:
        """How many weights, or multiply-adds, the last round keeps; see `kept_per_round`."""
        total = sum(sizes.values())
        allocation = build_allocation(self.allocation)
        if not hasattr(allocation, 'kept'):
            return total - round(total * (self.target_sparsity or DEFAULT_TARGET))
        try:
            kept = int(allocation.kept(sizes))
        except ValueError as error:
            raise LotteryError(f'lottery.allocation: {reason(error)}') from error
        given, removed = self.target_sparsity, (total - kept) / total
        if given is not None and abs(given - removed) > AGREEMENT:
            schedule = self.chosen_schedule
            listed = isinstance(schedule, Mapping) and schedule['type'] == 'by_list'
            key = self.chosen_by if listed else 'target_sparsity'
            raise LotteryError(
                f'lottery.allocation={self.allocation} removes {removed:.4f} of the prunable '
                f'weights, but lottery.{key} asks for {given}; give that number, or leave '
                'target_sparsity out (None)'
            )
        return kept

    def to_dict(self) -> dict[str, Any]:
        """As JSON values, as ever in files: without keys that came later, as by default."""
        values = asdict(self)
        for key, default in _LATER.items():
            if values[key] == default:
                del values[key]
        if values['branch'] is not None and values['branch']['length'] is None:
            del values['branch']['length']
        return values


def parse_settings(lottery: Any, default_scope: str | None = None) -> Settings:
    """Checks the ``lottery`` key of a config.

    Args:
        lottery: The key.
        default_scope: The ``default_scope`` of the config, in which names are looked up first;
            None: the current one of MMEngine, if any.

    Raises:
        LotteryError: On an unknown key, a value out of range, or keys that exclude each other.
    """
    with DefaultScope.overwrite_default_scope(default_scope):
        return _parse(lottery)


def _parse(lottery: Any) -> Settings:
    if not isinstance(lottery, Mapping):
        raise LotteryError(f'lottery must be a dict, got {lottery!r}')
    check_keys('lottery', lottery, names_of(Settings))
    values = {key: value for key, value in lottery.items() if value is not None}
    values['targets'] = parse_targets(values.get('targets', {}))
    settle_names(values)
    check_values(Settings, values)
    values['budget'] = parse_budget(values.get('budget', WEIGHTS))
    (settle_method if 'method' in values else settle_schedule)(values)
    values['rewind'] = str(values.get('rewind', Settings.rewind))
    parse_step(values['rewind'])
    settle_after_rewind(values)
    settle_round_length(values)
    validate_pruning(values)
    if 'early_bird' in values:
        values['early_bird'] = parse_early_bird(values['early_bird'], values)
    if 'distil' in values:
        values['distil'] = parse_distil(values['distil'])
    if 'branch' in values:
        values['branch'] = branch = parse_branch(values['branch'])
        if branch.length is not None and 'round_length' in values:
            raise LotteryError(
                f'lottery.branch.length={branch.length!r} makes rounds longer, lottery.'
                f'round_length={values["round_length"]!r} shorter; leave one of them out (set it '
                'to None)'
            )
    return Settings(**values)
