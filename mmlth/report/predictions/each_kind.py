"""Analyses that may fail one by one, for what they need differs."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from mmlth.analysis.detection import KIND_WORDS
from mmlth.messages import reason

EXPECTED = (ValueError, OSError, ModuleNotFoundError)
"""What data that cannot be analysed raise, files that are gone, and packages not installed."""

SINGULAR = {'bbox': 'box', 'segm': 'mask', 'keypoints': 'keypoint'}
"""What is predicted, by kind; see also `mmlth.analysis.detection.KIND_WORDS`."""

_Result = TypeVar('_Result')


def analyse_each_kind(
    kinds: Iterable[str], analyse: Callable[[str], _Result]
) -> tuple[list[_Result], list[str]]:
    """Analyses each kind of prediction by itself.

    Args:
        kinds: ``bbox``, ``segm`` or ``keypoints``.
        analyse: One kind.

    Returns:
        What is found of those that can be analysed, and a sentence for each other one.

    Raises:
        ValueError: If none can be analysed; says why, once if it is the same of all.
    """
    results, reasons = [], {}
    for kind in kinds:
        try:
            results.append(analyse(kind))
        except EXPECTED as error:
            reasons[kind] = reason(error)
    if not results:
        raise ValueError('; '.join(dict.fromkeys(reasons.values())))
    return results, [f'No {KIND_WORDS[kind]} here: {reason}' for kind, reason in reasons.items()]
