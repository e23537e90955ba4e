"""Precision against recall, as pycocotools computes it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmlth.analysis.keypoints.matching import MatchResult
from mmlth.analysis.keypoints.scenes import Floats

RECALLS = np.linspace(0, 1, 101)
"""Where precision is read."""


@dataclass(frozen=True)
class Curve:
    """How precision falls as recall rises.

    Attributes:
        oks: The OKS from which on a prediction is correct.
        precision: The precision at each of `RECALLS`, as mean over the categories, in [0, 1]; empty
            where there is no instance to find.
    """

    oks: float
    precision: tuple[float, ...]

    @property
    def area(self) -> float | None:
        """The average precision, in [0, 1]."""
        return float(np.mean(self.precision)) if self.precision else None


def precisions(results: Sequence[MatchResult]) -> Floats | None:
    """The highest precision at each of `RECALLS` or a greater recall, 0 where that is not reached.

    Args:
        results: The outcomes of one category, in order of the images.

    Returns:
        Shape (101,); None where there is no instance to find.
    """
    instances = sum(outcome.instances for outcome in results)
    if not instances:
        return None
    order = np.argsort(-np.concatenate([outcome.scores for outcome in results]), kind='stable')
    matched = np.concatenate([outcome.matched for outcome in results])[order]
    counts = ~np.concatenate([outcome.ignored for outcome in results])[order]
    true = np.cumsum(matched & counts)
    false = np.cumsum(~matched & counts)
    # The same operations as in pycocotools, for the same floats.
    precision = true / (false + true + np.spacing(1))
    best = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(true / instances, RECALLS)
    return np.append(best, 0.0)[places]
