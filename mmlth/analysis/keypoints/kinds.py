"""What is wrong with each keypoint.

The taxonomy of Ronchi and Perona, *Benchmarking and Error Diagnosis in Multi-Instance Pose
Estimation* (ICCV 2017, https://arxiv.org/abs/1707.05388), which Girish et al. (CVPR 2021) use in
their supplement B.2. With ks as in `mmlth.analysis.keypoints.similarity`, a keypoint is

- **good** if ks > .85 to where it belongs,
- **jitter** if .5 ≤ ks ≤ .85 to where it belongs,
- **inversion** if ks ≥ .5 to the left/right mirror of its joint, of the same instance,
- **swap** if ks ≥ .5 to its joint or that one's mirror, of another instance,
- **miss** otherwise,

whichever holds first. These definitions overlap where joints are close together. The authors'
released code (https://github.com/matteorr/coco-analyze) goes by the location of the greatest ks
there, so that a keypoint that is nearer to its mirror than to where it belongs is an inversion,
whatever its ks to the latter. It also looks at predictions that match an instance that is ignored.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmlth.analysis.keypoints.matching import MatchResult, outcomes
from mmlth.analysis.keypoints.scenes import Floats, ImageInstances
from mmlth.analysis.keypoints.similarity import similarities
from mmlth.analysis.keypoints.skeleton import Skeleton
from mmlth_common.choices import Formula

KINDS = ('good', 'jitter', 'inversion', 'swap', 'miss')
GOOD, JITTER, INVERSION, SWAP, MISS = range(len(KINDS))
NO_KIND = -1

LOCALIZED = 0.1
"""The least OKS with an instance at which a prediction is one of it, however bad."""
NEAR, HUMAN = 0.5, 0.85
"""The ks within which a keypoint is near a location, and within which people's own labels vary."""


@dataclass(frozen=True)
class Diagnosis:
    """The errors of D predictions of a scene.

    Attributes:
        outcome: The instance that each prediction is of, at an OKS of `LOCALIZED`.
        kinds: The kinds of their keypoints as index in `KINDS`, shape (D, K); `NO_KIND` where the
            joint is not labelled, or the prediction is of no instance (by the paper: of none that
            counts).
        reached: The ks of a keypoint to the wrong location that it is at, shape (D, K): of an
            inversion or a swap; 0 for other kinds.
    """

    outcome: MatchResult
    kinds: NDArray[np.int8]
    reached: Floats


def diagnose(scene: ImageInstances, skeleton: Skeleton, formula: Formula = 'paper') -> Diagnosis:
    """Finds the kind of every keypoint of a scene.

    Args:
        scene: The scene with the predictions.
        skeleton: The joints.
        formula: Whose rules to use: those of the paper or of the released code.
    """
    instances, predicted = scene.instances, scene.predictions.keypoints
    (outcome,) = outcomes(scene, predicted, skeleton, [LOCALIZED])
    kinds = np.full(predicted.shape[:2], NO_KIND, dtype=np.int8)
    reached = np.zeros(predicted.shape[:2])
    direct, mirrored = (
        similarities(
            predicted, instances.keypoints[:, order], instances.areas, np.array(skeleton.sigmas)
        )
        * instances.labelled[:, order]
        for order in (np.arange(len(skeleton.joints)), skeleton.mirror)
    )
    kinds_of = _first if formula == 'paper' else _nearest
    looked_at = outcome.matched & (~outcome.ignored if formula == 'paper' else True)
    for row in np.flatnonzero(looked_at):
        own = outcome.indices[row]
        others = np.arange(len(instances.ids)) != own
        own_kinds, reached[row] = kinds_of(
            direct[row, own],
            mirrored[row, own],
            direct[row, others].max(axis=0, initial=0),
            mirrored[row, others].max(axis=0, initial=0),
        )
        kinds[row] = np.where(instances.labelled[own], own_kinds, NO_KIND)
    reached[(kinds != INVERSION) & (kinds != SWAP)] = 0
    return Diagnosis(outcome, kinds, reached)


def _first(
    true: Floats, inverted: Floats, swapped: Floats, both: Floats
) -> tuple[NDArray[np.intp], Floats]:
    """The kinds by the paper, and the ks to where inversions and swaps are.

    Args:
        true: The ks to where each keypoint belongs.
        inverted: To its joint's mirror, of the same instance.
        swapped: To its joint, of another instance.
        both: To the mirror of another instance.
    """
    swapped = np.maximum(swapped, both)
    tests = [true > HUMAN, true >= NEAR, inverted >= NEAR, swapped >= NEAR]
    kinds = np.select(tests, [GOOD, JITTER, INVERSION, SWAP], MISS)
    return kinds, np.where(kinds == INVERSION, inverted, swapped)


def _nearest(
    true: Floats, inverted: Floats, swapped: Floats, both: Floats
) -> tuple[NDArray[np.intp], Floats]:
    """The same by the rules of the released code: of equals, the first in its order."""
    similar = np.stack([true, swapped, inverted, both])
    reached, place = similar.max(axis=0), similar.argmax(axis=0)
    kinds = np.choose(place, [JITTER, SWAP, INVERSION, SWAP])
    kinds[(place == 0) & (reached > HUMAN)] = GOOD
    kinds[reached < NEAR] = MISS
    return kinds, reached
