"""What is wrong with predicted keypoints, after Ronchi and Perona (ICCV 2017)."""

from mmlth.analysis.keypoints.curves import RECALLS, Curve
from mmlth.analysis.keypoints.errors import (
    ALL_OKS,
    ERRORS,
    KeypointErrors,
    KeypointRules,
    keypoint_errors,
)
from mmlth.analysis.keypoints.kinds import KINDS, Diagnosis, diagnose
from mmlth.analysis.keypoints.scenes import ImageInstances, read_scenes
from mmlth.analysis.keypoints.skeleton import Skeleton

__all__ = [
    'ALL_OKS',
    'ERRORS',
    'KINDS',
    'RECALLS',
    'Curve',
    'Diagnosis',
    'ImageInstances',
    'KeypointErrors',
    'KeypointRules',
    'Skeleton',
    'diagnose',
    'keypoint_errors',
    'read_scenes',
]
