"""Where keypoints would be without one kind of error.

Ronchi and Perona (ICCV 2017) do not put a wrong keypoint exactly where it belongs, but so near that
this error is gone: at the distance where ks is

- .85 for a **jitter**,
- .5 for a **miss**,
- for an **inversion** or a **swap** what it was to the wrong location.

With ks = exp(−d² / (2 · area · (2σ)²)) that is d = 2σ · √(−2 · area · ln ks). Their released code
has σ for 2σ here, so that it puts keypoints at half that distance, where ks is .96 instead of .85,
and .84 instead of .5. The distance goes to the right (+x), as in that code; OKS with the
own instance does not depend on its direction.
"""

import numpy as np

from mmlth.analysis.keypoints.kinds import HUMAN, JITTER, MISS, NEAR, Diagnosis
from mmlth.analysis.keypoints.scenes import Floats, ImageInstances
from mmlth.analysis.keypoints.similarity import TOLERANCE
from mmlth.analysis.keypoints.skeleton import Skeleton
from mmlth_common.choices import Formula

# A hair nearer than the formula, else rounding would decide whether a pose whose keypoints were all
# put at ks = .5 has an OKS of .5.
_NEARER = 1 - 1e-9


def correct(
    scene: ImageInstances,
    diagnosis: Diagnosis,
    kind: int,
    skeleton: Skeleton,
    formula: Formula = 'paper',
) -> Floats:
    """Moves the keypoints of one kind of error to where it is gone.

    Args:
        scene: The scene with the predictions.
        diagnosis: The errors of these predictions.
        kind: Index in ``KINDS`` of an error.
        skeleton: The joints.
        formula: The formula of the distance; the one that the diagnosis was made by.

    Returns:
        All keypoints in pixels, shape (D, K, 2).
    """
    keypoints = scene.predictions.keypoints.copy()
    rows, joints = np.nonzero(diagnosis.kinds == kind)
    own = diagnosis.outcome.indices[rows]
    goal = {JITTER: HUMAN, MISS: NEAR}.get(kind, diagnosis.reached[rows, joints])
    width = np.array(skeleton.sigmas)[joints] * (TOLERANCE if formula == 'paper' else 1)
    distance = width * np.sqrt(-2 * scene.instances.areas[own] * np.log(goal)) * _NEARER
    keypoints[rows, joints] = scene.instances.keypoints[own, joints]
    keypoints[rows, joints, 0] += distance
    return keypoints
