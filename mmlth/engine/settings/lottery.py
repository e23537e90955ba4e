"""The whole of ``lottery``."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mmlth.engine.errors import LotteryError
from mmlth.engine.settings.branch import parse_branch
from mmlth.engine.settings.checks import check_keys, check_values
from mmlth.engine.settings.choices import build_allocation
from mmlth.engine.settings.early_bird import parse_early_bird
from mmlth.engine.settings.pruning import settle_sparsities, validate_pruning
from mmlth.engine.settings.rewinding import parse_step, settle_after_rewind
from mmlth.engine.settings.targets import parse_targets
from mmlth.messages import reason
from mmlth.pruning import kept_at, kept_per_round
from mmlth_common.lottery import DEFAULT_RATE, DEFAULT_TARGET, LotteryKeys, names_of

AGREEMENT = 0.0005  # how far apart two ways to say one sparsity may be


@dataclass(frozen=True)
class Settings(LotteryKeys):
    """``lottery``, checked: the keys, and what follows from them."""

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
            raise LotteryError(f'lottery.allocation: {reason(error)}') from error
        given, removed = self.target_sparsity, (total - kept) / total
        if given is not None and abs(given - removed) > AGREEMENT:
            key = 'target_sparsity' if self.sparsities is None else 'sparsities'
            raise LotteryError(
                f'lottery.allocation={self.allocation} removes {removed:.4f} of the prunable '
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
    check_keys('lottery', lottery, names_of(Settings))
    values = {key: value for key, value in lottery.items() if value is not None}
    values['targets'] = parse_targets(values.get('targets', {}))
    if 'rounds' in values and 'rate' in values:
        raise LotteryError(
            f'lottery.rounds={values["rounds"]} and lottery.rate={values["rate"]} exclude each '
            'other; keep one (set the other to None)'
        )
    check_values(Settings, values)
    if 'sparsities' in values:
        settle_sparsities(values)
    elif 'rounds' not in values:
        values.setdefault('rate', DEFAULT_RATE)
    values['rewind'] = str(values.get('rewind', Settings.rewind))
    parse_step(values['rewind'])
    settle_after_rewind(values)
    validate_pruning(values)
    if 'early_bird' in values:
        values['early_bird'] = parse_early_bird(values['early_bird'], values)
    if 'branch' in values:
        values['branch'] = parse_branch(values['branch'])
    return Settings(**values)
