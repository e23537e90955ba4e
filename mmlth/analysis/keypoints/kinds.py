"""What is wrong with each keypoint.

The taxonomy of Ronchi and Perona, *Benchmarking and Error Diagnosis in Multi-Instance Pose
Estimation* (ICCV 2017, https://arxiv.org/abs/1707.05388), which Girish et al. (CVPR 2021) use in
their supplement B.2. With ks as in `mmlth.analysis.keypoints.similarity`, a keypoint is

- **good** if ks > .85 to where it belongs,
- **jitter** if .5 ≤ ks ≤ .85 to where it belongs,
- **inversion** if ks ≥ .5 to the left/right mirror of its joint, of the same instance,
- **swap** if ks ≥ .5 to its joint or that one's mirror, of another instance,
- **miss** otherwise,

whichever holds first. (Their definitions overlap where joints are close together; their released
code then takes the location of the greatest ks.)
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmlth.analysis.keypoints.matching import Outcome, outcomes
from mmlth.analysis.keypoints.scenes import Floats, Scene
from mmlth.analysis.keypoints.similarity import similarities
from mmlth.analysis.keypoints.skeleton import Skeleton

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
        outcome: At an OKS of `LOCALIZED`: whose each prediction is.
        kinds: Of their keypoints as index in `KINDS`, shape (D, K); `NO_KIND` where the joint is
            not labelled, or the prediction is of no instance that counts.
        reached: The ks of a keypoint to the wrong location that it is at, shape (D, K): of an
            inversion or a swap; 0 for other kinds.
    """

    outcome: Outcome
    kinds: NDArray[np.int8]
    reached: Floats


def diagnose(scene: Scene, skeleton: Skeleton) -> Diagnosis:
    """Finds the kind of every keypoint of a scene."""
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
    for row in np.flatnonzero(outcome.matched & ~outcome.ignored):
        own = outcome.indices[row]
        true, inverted = direct[row, own], mirrored[row, own]
        # That the instance's own locations are among these is no matter: what is near them is
        # neither swap nor miss.
        swapped = np.maximum(direct[row], mirrored[row]).max(axis=0)
        tests = [true > HUMAN, true >= NEAR, inverted >= NEAR, swapped >= NEAR]
        found = np.select(tests, [GOOD, JITTER, INVERSION, SWAP], MISS)
        kinds[row] = np.where(instances.labelled[own], found, NO_KIND)
        wrong = [kinds[row] == INVERSION, kinds[row] == SWAP]
        reached[row] = np.select(wrong, [inverted, swapped], 0)
    return Diagnosis(outcome, kinds, reached)
