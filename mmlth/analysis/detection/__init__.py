"""How detectors, instance segmenters and pose estimators do, by what is in the images."""

from mmlth.analysis.detection.attributes import Attributes, attributes
from mmlth.analysis.detection.bootstrap import Estimate
from mmlth.analysis.detection.data import GroundTruth, Predictions
from mmlth.analysis.detection.groups import Group, Result, changed_most
from mmlth.analysis.detection.matching import Matches, match
from mmlth.analysis.detection.precision import average_precision
from mmlth.analysis.detection.scores import Scores, score

__all__ = [
    'Attributes',
    'Estimate',
    'GroundTruth',
    'Group',
    'Matches',
    'Predictions',
    'Result',
    'Scores',
    'attributes',
    'average_precision',
    'changed_most',
    'match',
    'score',
]
