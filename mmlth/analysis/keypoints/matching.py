"""Which prediction is of which instance."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mmlth.analysis.keypoints.scenes import Bools, Floats, ImageInstances
from mmlth.analysis.keypoints.similarity import instance_similarities
from mmlth.analysis.keypoints.skeleton import Skeleton

UNMATCHED = -1


@dataclass(frozen=True)
class MatchResult:
    """What the D predictions of a scene with G instances are worth at one OKS threshold.

    Attributes:
        scores: Scores of the predictions, falling, shape (D,).
        indices: The instance that each matches, or `UNMATCHED`, shape (D,).
        ignored: Which predictions do not count, shape (D,): they match an instance that is ignored,
            or nothing while outside the range of areas.
        overlooked: Which instances count and match no prediction, shape (G,).
        instances: How many count.
    """

    scores: Floats
    indices: NDArray[np.intp]
    ignored: Bools
    overlooked: Bools
    instances: int

    @property
    def matched(self) -> Bools:
        """Which predictions match an instance, shape (D,)."""
        return self.indices != UNMATCHED

    @property
    def background(self) -> Bools:
        """Which predictions count and match nothing, shape (D,)."""
        return ~self.matched & ~self.ignored

    def without_predictions(self, gone: Bools) -> 'MatchResult':
        """What it is without these predictions, but for those that match; ``gone`` is (D,)."""
        return replace(self, ignored=self.ignored | (gone & ~self.matched))

    def without_instances(self, gone: Bools) -> 'MatchResult':
        """What it is without these instances, but for those that are found; ``gone`` is (G,)."""
        return replace(self, instances=self.instances - int((gone & self.overlooked).sum()))


def outcomes(
    scene: ImageInstances, keypoints: Floats, skeleton: Skeleton, thresholds: Sequence[float]
) -> list[MatchResult]:
    """Matches the predictions of a scene at each OKS threshold.

    Args:
        scene: The scene with the instances and the scores.
        keypoints: Predicted keypoints in pixels, as they are or corrected, shape (D, K, 2).
        skeleton: The joints.
        thresholds: The OKS from which on a prediction can match.
    """
    instances, predictions = scene.instances, scene.predictions
    similar = instance_similarities(keypoints, instances, np.array(skeleton.sigmas))
    results = []
    for threshold in thresholds:
        indices = match_instances(similar, threshold, instances.ignored, instances.crowd)
        taken = indices[indices != UNMATCHED]
        ignored = predictions.outside.copy()
        ignored[indices != UNMATCHED] = instances.ignored[taken]
        overlooked = ~instances.ignored
        overlooked[taken] = False
        count = int((~instances.ignored).sum())
        results.append(MatchResult(predictions.scores, indices, ignored, overlooked, count))
    return results


def match_instances(
    oks: Floats, threshold: float, ignored: Bools, crowd: Bools
) -> NDArray[np.intp]:
    """COCO's matching: by falling score, each prediction takes the free instance it fits best.

    Instances that count go before those that are ignored; only crowds can be taken repeatedly. Of
    equally similar instances the last is taken, as pycocotools does.

    Args:
        oks: Similarities of D predictions, by falling score, and G instances, shape (D, G).
        threshold: The least that makes a match.
        ignored: Which instances do not count, shape (G,).
        crowd: Which instances are crowds, shape (G,).

    Returns:
        The index of each prediction's instance, or `UNMATCHED`, shape (D,).
    """
    least = min(threshold, 1 - 1e-10)
    matched = np.full(len(oks), UNMATCHED)
    counting, rest = np.flatnonzero(~ignored).tolist(), np.flatnonzero(ignored).tolist()
    for row, similar in enumerate(oks.tolist()):
        for candidates in (counting, rest):
            near = [index for index in candidates if similar[index] >= least]
            if near:
                best = max(reversed(near), key=similar.__getitem__)
                matched[row] = best
                if not crowd[best]:
                    candidates.remove(best)
                break
    return matched
