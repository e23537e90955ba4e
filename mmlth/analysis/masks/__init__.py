"""What many masks of one model are like beside each other."""

from mmlth.analysis.masks.noise import Flips, flips
from mmlth.analysis.masks.profile import MaskProfile, profile
from mmlth.analysis.masks.similarity import Similarity, similarity
from mmlth.analysis.masks.survival import Survival, survival
from mmlth.analysis.masks.zeros import KINDS, Kind, ZeroParts, zero_parts

__all__ = [
    'KINDS',
    'Flips',
    'Kind',
    'MaskProfile',
    'Similarity',
    'Survival',
    'ZeroParts',
    'flips',
    'profile',
    'similarity',
    'survival',
    'zero_parts',
]
