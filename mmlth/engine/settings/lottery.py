"""The whole of ``lottery``."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from mmlth.engine.errors import LotteryError
from mmlth.engine.settings.branch import BranchSettings, parse_branch
from mmlth.engine.settings.checks import (
    check_choice,
    check_count,
    check_flag,
    check_keys,
    check_number,
)
from mmlth.engine.settings.choices import Spec, build_allocation
from mmlth.engine.settings.early_bird import EarlyBirdSettings, parse_early_bird
from mmlth.engine.settings.pruning import DEFAULT_TARGET, settle_sparsities, validate_pruning
from mmlth.engine.settings.rewinding import REWIND_WHAT, parse_step, settle_after_rewind
from mmlth.engine.settings.targets import TargetSettings, parse_targets
from mmlth.messages import reason
from mmlth.pruning import kept_at, kept_per_round

CHECKPOINTS = ('mmengine', 'both', 'tickets')
DEFAULT_RATE = 0.2  # of both papers
AGREEMENT = 0.0005  # how far apart two ways to say one sparsity may be


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
        validation_loss: Whether each validation also computes the task's loss, for the curves of
            the report; that takes one more pass over the validation data.
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
    targets: TargetSettings = field(default_factory=TargetSettings)
    score: Spec = 'magnitude'
    allocation: Spec = 'global'
    floor: float = 0.001
    pattern: Spec = 'unstructured'
    early_bird: EarlyBirdSettings | None = None
    checkpoints: str = 'mmengine'
    validation_loss: bool = False
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
    check_keys('lottery', lottery, [field.name for field in fields(Settings)])
    values = {key: value for key, value in lottery.items() if value is not None}
    values['targets'] = parse_targets(values.get('targets', {}))
    if 'rounds' in values and 'rate' in values:
        raise LotteryError(
            f'lottery.rounds={values["rounds"]} and lottery.rate={values["rate"]} exclude each '
            'other; keep one (set the other to None)'
        )
    check_number('target_sparsity', values.get('target_sparsity', DEFAULT_TARGET))
    if 'sparsities' in values:
        settle_sparsities(values)
    elif 'rounds' not in values:
        values.setdefault('rate', DEFAULT_RATE)
    if 'rate' in values:
        check_number('rate', values['rate'])
    for key in ('rounds', 'rounds_per_run'):
        check_count(key, values.get(key, 1))
    values['rewind'] = str(values.get('rewind', '1ep'))
    parse_step(values['rewind'])
    check_choice('rewind_what', values.get('rewind_what', 'weights'), REWIND_WHAT)
    settle_after_rewind(values)
    validate_pruning(values)
    if 'early_bird' in values:
        values['early_bird'] = parse_early_bird(values['early_bird'], values)
    check_choice('checkpoints', values.get('checkpoints', 'mmengine'), CHECKPOINTS)
    for key in ('overwrite', 'validation_loss'):
        check_flag(key, values.get(key, False))
    if 'branch' in values:
        values['branch'] = parse_branch(values['branch'])
    if not isinstance(values.get('ticket', ''), str):
        raise LotteryError(f'lottery.ticket must be the path of a file, got {values["ticket"]!r}')
    return Settings(**values)
