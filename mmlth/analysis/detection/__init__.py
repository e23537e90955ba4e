"""How detectors, instance segmenters and pose estimators do, by what is in the images."""

from mmlth.analysis.detection.area import POSE, area_of
from mmlth.analysis.detection.attributes import Attributes, attributes
from mmlth.analysis.detection.bootstrap import Estimate
from mmlth.analysis.detection.data import (
    KIND_WORDS,
    CocoResults,
    GroundTruth,
    check_annotated,
    check_predictions,
)
from mmlth.analysis.detection.groups import Group, Result, changed_most
from mmlth.analysis.detection.matching import Matches, match_detections
from mmlth.analysis.detection.precision import average_precision
from mmlth.analysis.detection.rules import CocoRules
from mmlth.analysis.detection.scores import Scores, score
from mmlth.analysis.detection.tide import MAIN, MODES, SPECIAL, Errors, Tide, tide

__all__ = [
    'KIND_WORDS',
    'MAIN',
    'MODES',
    'POSE',
    'SPECIAL',
    'Attributes',
    'CocoResults',
    'CocoRules',
    'Errors',
    'Estimate',
    'GroundTruth',
    'Group',
    'Matches',
    'Result',
    'Scores',
    'Tide',
    'area_of',
    'attributes',
    'average_precision',
    'changed_most',
    'check_annotated',
    'check_predictions',
    'match_detections',
    'score',
    'tide',
]
