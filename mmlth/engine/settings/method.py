"""``lottery.method``: pruning while one training runs."""

from collections.abc import Mapping
from typing import Any

from mmlth.engine.errors import LotteryError
from mmlth.engine.settings.choices import build_method, build_score
from mmlth.engine.settings.pruning import settle_sparsities
from mmlth.messages import join_names
from mmlth.pruning import needs_of
from mmlth_common.lottery import WEIGHTS

_OF_ROUNDS = ('rounds', 'rate', 'schedule', 'early_bird')
_BY_SCORE = {
    'score': 'magnitude',
    'allocation': 'global',
    'pattern': 'unstructured',
    'floor': 0.001,
    'budget': WEIGHTS,
}
"""Keys that say how weights are ranked, and what they are by default."""


def without_use(spec: Any) -> dict[str, None]:
    """Keys that a search may have, but its branch by a method has no use for: as by default.

    Args:
        spec: The method.

    Raises:
        LotteryError: On an unknown name, or options that do not fit.
    """
    by_score = () if build_method(spec).prunes else tuple(_BY_SCORE)
    return dict.fromkeys(('early_bird', 'round_length', *by_score))


def settle_method(values: dict[str, Any]) -> None:
    """Checks the key, and that no other one asks for what the method does not do.

    Args:
        values: The ``lottery`` key; changed in place.

    Raises:
        LotteryError: On options out of range, or keys that do not go together.
    """
    spec = values['method']
    method, name = build_method(spec), spec['type'] if isinstance(spec, Mapping) else spec
    # A branch has a length of its own, and may have several sparsities.
    excluded = [*_OF_ROUNDS, 'round_length' if 'branch' in values else 'sparsities']
    if given := [key for key in excluded if key in values]:
        raise LotteryError(
            f'lottery.method={name!r} prunes while one training runs, but lottery.{given[0]}='
            f'{values[given[0]]!r} is of rounds; keep one (set the other to None)'
        )
    if 'distil' in values and 'branch' not in values:
        raise LotteryError(
            f'lottery.distil learns from a dense round, of which lottery.method={name!r} has none; '
            'leave it out, or train it as a branch of a search'
        )
    if 'branch' not in values:
        _settle_start(values, name)
    if values.get('rewind_what') == 'reinit':
        raise LotteryError(
            f"lottery.method={name!r} begins at the rewind step, lottery.rewind_what='reinit' at "
            'new weights; leave one of them out'
        )
    if 'sparsities' in values:
        settle_sparsities(values)
    changed = [key for key, default in _BY_SCORE.items() if values.get(key, default) != default]
    if changed and not method.prunes:
        raise LotteryError(
            f'the method {name!r} does not prune by score, so that {join_names(changed)} would '
            'change nothing; leave it out, or give another method'
        )
    score = values.get('score', 'magnitude')
    if method.prunes and needs_of(build_score(score)):
        raise LotteryError(
            f'lottery.method={name!r} ranks weights as they are while training, but lottery.score='
            f'{score!r} needs more than the weights; give one such as '
            "'magnitude'"
        )


def _settle_start(values: dict[str, Any], name: str) -> None:
    """Has the rewind file of what is trained once hold what it starts from."""
    rewinding = {'rewind': ('0', '1ep'), 'rewind_what': ('weights',), 'after_rewind': ('continue',)}
    for key, defaults in rewinding.items():
        if str(values.get(key, defaults[0])) not in defaults:
            raise LotteryError(
                f'lottery.method={name!r} trains once, so that nothing is rewound, but lottery.'
                f'{key}={values[key]!r} is asked for; leave it out, or train it as a branch of a '
                'search'
            )
    values['rewind'] = '0'
