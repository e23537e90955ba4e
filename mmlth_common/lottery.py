"""The keys of ``lottery``, each declared once.

The command line takes its options from here, the engine its checks, and the page of keys its rows.
"""

from dataclasses import Field, dataclass, field, fields
from typing import Any, Literal, TypeAlias

BEST = 'best'
WEIGHTS, MACS = 'weights', 'macs'  # what a sparsity is a share of
REWIND_WHAT = ('weights', 'learning_rate', 'nothing', 'reinit')
AFTER_REWIND = ('continue', 'full')
CHECKPOINTS = ('mmengine', 'both', 'tickets')
WHOLE_SEARCH = 'search'
"""The length of branches whose rounds train as long as all of the parent search's together."""
COMPRESSED, LINEAR = 'compressed', 'linear'
ROUND_SCHEDULES = (COMPRESSED, LINEAR)  # of rounds that are shorter than the whole schedule
SCHEDULE_KEYS = ('schedule', 'sparsities', 'rounds', 'rate')  # which exclude each other
DEFAULT_TARGET = 0.8
DEFAULT_RATE = 0.2  # of both papers

ValueKind: TypeAlias = Literal[
    'choice',  # one of a few words
    'count',  # a whole number of at least 1
    'file',  # the path of a file
    'flag',  # True or False
    'share',  # a number between 0 and 1, both excluded
    'share_from_zero',  # a number from 0 to below 1
    'shares',  # a list of shares
    'spec',  # a registered name, or a dict with the name as ``type`` and its options
    'weight',  # a number above 0, or a dict with it as ``weight`` and options
    'other',  # what has a check of its own
]


@dataclass(frozen=True)
class KeyInfo:
    """What is declared of a key beside its name, its type and its default.

    Attributes:
        meaning: A text for ``--help`` and for the page of keys.
        kind: What its values are, which also says how they are checked.
        choices: The values of a key of the kind ``'choice'``.
        metavar: How ``--help`` calls the value, empty for a flag; None: the command line has no
            option for the key.
        shown_default: What the page of keys calls the default, where that is not the field's own.
    """

    meaning: str
    kind: ValueKind = 'other'
    choices: tuple[str, ...] = ()
    metavar: str | None = None
    shown_default: str | None = None


def info_of(key: 'Field[Any]') -> KeyInfo:
    """Returns what is declared of a field of the classes below."""
    declared: KeyInfo = key.metadata['info']
    return declared


def names_of(keys: type) -> list[str]:
    """Returns the names of the keys that one of the classes below declares, in order."""
    return [key.name for key in fields(keys)]


def _key(default: Any, meaning: str, kind: ValueKind = 'other', **more: Any) -> Any:
    """A field with what is declared of it; for the arguments see `KeyInfo`."""
    return field(default=default, metadata={'info': KeyInfo(meaning, kind, **more)})


@dataclass(frozen=True)
class TargetSettings:
    """``lottery.targets``: which weights may be pruned; see `mmlth.pruning.find_targets`."""

    scope: str = _key(
        'all',
        "by role: 'backbone+neck', 's1_coco', 's1_voc', 's2', …; targets='backbone' says the same",
    )
    include: tuple[str, ...] = _key(
        (),
        "patterns: parameter names, parts of them ('backbone', 'layer*.0.conv1') or module types "
        "('Conv2d'); empty means everything",
    )
    exclude: tuple[str, ...] = _key((), 'patterns of what is never pruned')
    predictors: bool = _key(False, 'whether final predictors may be pruned', 'flag')
    frozen: bool = _key(False, 'whether weights that are not trained may be pruned', 'flag')


@dataclass(frozen=True)
class EarlyBirdSettings:
    """``lottery.early_bird``: rounds but the last end when the next round's mask has converged."""

    window: int = _key(5, 'number of masks, one an epoch, that have to agree; 2 or more', 'count')
    distance: float = _key(
        0.1,
        'how much of the competing weights the newest mask may differ in from each of the others',
        'share',
    )
    interval: int | None = _key(
        None,
        'after how many iterations a mask is drawn in loops without epochs; by default as often as '
        'they validate',
        'count',
    )
    full_dense: bool = _key(
        False, 'whether round 0 trains in full: the dense model to compare with', 'flag'
    )


@dataclass(frozen=True)
class BranchSettings:
    """``lottery.branch``: the search shares its dense round with another one, its parent search."""

    control: str | dict[str, Any] | None = _key(
        None,
        "what is compared with the parent search's tickets: a name, or a dict with the name as "
        '`type` and its options; None: a search with other settings',
    )
    tickets: tuple[int, ...] | None = _key(
        None,
        'the rounds of the parent search whose tickets get the control; by default all of them',
    )
    seed: int = _key(0, 'another one draws other masks, weights or orders')
    length: float | str | None = _key(
        None,
        'how many times as long each round trains as one of the parent search, the schedule '
        "stretched; 'search': as long as all rounds of the parent search together, which is the "
        'default of long_dense; other controls train in full',
    )
    label: str | None = _key(
        None, 'its name in reports, where several branches may share one; by default the folder'
    )


@dataclass(frozen=True)
class LotteryKeys:
    """``lottery``: how a search prunes, rewinds and trains."""

    target_sparsity: float | None = _key(
        DEFAULT_TARGET,
        'share of the prunable weights removed after the last round; None where the allocation '
        'says it',
        'share',
        metavar='S',
    )
    rounds: int | None = _key(
        None,
        'number of pruning rounds, the density falling geometrically; or',
        'count',
        metavar='N',
    )
    rate: float | None = _key(
        None,
        'share of the remaining weights pruned a round; the last one ends at the target; or',
        'share',
        metavar='R',
        shown_default=repr(DEFAULT_RATE),
    )
    sparsities: tuple[float, ...] | None = _key(
        None, 'the sparsity after each round, as a list; or', 'shares', metavar='S,S'
    )
    schedule: str | dict[str, Any] | None = _key(
        None,
        "what says how many weights each round keeps: 'geometric', 'by_rate', 'by_list', "
        "'one_shot' or your own, with options dict(type='geometric', rounds=5): "
        'geometric,rounds=5 on the command line',
        'spec',
        metavar='NAME[,KEY=VALUE]',
    )
    rewind: str = _key(
        '1ep',
        "step of round 0 that later rounds start from: '0', '500it', '1ep'; or 'best', its best "
        "weights by the CheckpointHook's save_best",
        metavar='STEP',
    )
    rewind_what: str = _key(
        'weights',
        "'weights': the whole training state of that step; 'learning_rate': weights stay as "
        "trained, schedule and counters go back; 'nothing': fine-tuning at the last learning rate; "
        "'reinit': new random weights trained in full, a control",
        'choice',
        choices=REWIND_WHAT,
        metavar='WHAT',
    )
    after_rewind: str = _key(
        'continue',
        "'continue': rounds go on from the rewind step, its schedule, optimizer and counters "
        "included; 'full': they keep its weights alone and train the whole schedule anew, as "
        "with rewind='best' they always do",
        'choice',
        choices=AFTER_REWIND,
        metavar='WHAT',
    )
    round_length: float | str | dict[str, Any] | None = _key(
        None,
        'how long the rounds between the dense and the last one train: a share of a full round, '
        "or a step such as '3ep' or '500it'; their schedule is compressed to it, or with "
        "dict(type=0.25, schedule='linear') the learning rate falls from its maximum to zero: "
        '0.25,schedule=linear on the command line; with `method` it is the length of the one '
        'training, and may be above 1',
        'spec',
        metavar='LENGTH[,schedule=linear]',
        shown_default='1',
    )
    targets: TargetSettings = field(
        default_factory=TargetSettings,
        metadata={'info': KeyInfo('which weights may be pruned')},
    )
    score: str | dict[str, Any] = _key(
        'magnitude',
        "what ranks the weights, such as 'snip', or with options dict(type='snip', batches=4): "
        'snip,batches=4 on the command line',
        'spec',
        metavar='NAME[,KEY=VALUE]',
    )
    allocation: str | dict[str, Any] = _key(
        'global',
        "how the budget is spread over layers, such as 'erk', or final sparsities by module, such "
        'as backbone=0.9,neck=0.5',
        'spec',
        metavar='NAME',
    )
    floor: float = _key(
        0.001,
        'smallest share of a layer that is kept, at least one weight; 0 lets layers die',
        'share_from_zero',
        metavar='F',
    )
    pattern: str | dict[str, Any] = _key(
        'unstructured',
        "the shape in which weights are removed: 'unstructured', 'kernel', 'channel', '4x1', "
        "'2:4', …",
        'spec',
        metavar='NAME',
    )
    budget: str | dict[str, Any] = _key(
        WEIGHTS,
        "what sparsities, `rate` and schedules count: 'weights', or 'macs': the multiply-adds of "
        'the prunable weights for an image as it is validated; with '
        "dict(type='macs', power=0.25) scores are divided by that power of what a weight costs: "
        'macs,power=0.25 on the command line',
        'spec',
        metavar='WHAT[,power=P]',
    )
    method: str | dict[str, Any] | None = _key(
        None,
        "what prunes while one training runs, in place of rounds: 'gradual', 'rigl', 'set', "
        "'ac_dc', or with options dict(type='gradual', end=0.5): gradual,end=0.5 on the command "
        'line',
        'spec',
        metavar='NAME[,KEY=VALUE]',
    )
    early_bird: EarlyBirdSettings | None = _key(
        None, 'dict(window=5): a round ends once its next mask has converged'
    )
    distil: float | dict[str, Any] | None = _key(
        None,
        'the weight of a loss by which the finished round 0 teaches later rounds through its '
        'outputs, such as 0.5; or with a temperature that softens probabilities '
        'dict(weight=0.5, temperature=2.0): 0.5,temperature=2.0 on the command line',
        'weight',
        metavar='WEIGHT[,temperature=T]',
    )
    checkpoints: str = _key(
        'mmengine',
        "what a round writes while it trains: 'mmengine': the CheckpointHook's files; 'both': a "
        "ticket beside each of them, the best one included; 'tickets': tickets in their place, but "
        'for the newest one, from which training resumes',
        'choice',
        choices=CHECKPOINTS,
    )
    validation_loss: bool = _key(
        False,
        "whether each validation also computes the task's loss, which takes one more pass over the "
        'validation data',
        'flag',
    )
    rounds_per_run: int | None = _key(
        None,
        'after how many rounds a process ends though more are left, as for a chain of jobs; '
        '--resume runs the next',
        'count',
        metavar='N',
    )
    progress: bool = _key(
        False,
        'whether the terminal shows rounds, epochs, time left and newest metrics (in plain lines '
        "where it is no terminal) in place of MMEngine's log, which then goes to its file alone",
        'flag',
        metavar='',
    )
    overwrite: bool = _key(False, 'whether a search that work_dir holds may be deleted', 'flag')
    branch: BranchSettings | None = _key(
        None, 'what makes this a branch of the search in work_dir/../..; mmlth branch sets it'
    )
    ticket: str | None = _key(
        None, 'a ticket to train once, as it is, in place of a search', 'file', metavar='FILE'
    )
