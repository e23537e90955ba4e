"""How much each kind of keypoint error costs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmlth.analysis.keypoints.correction import correct
from mmlth.analysis.keypoints.curves import Curve, precisions
from mmlth.analysis.keypoints.kinds import KINDS, Diagnosis, diagnose
from mmlth.analysis.keypoints.matching import MatchResult, outcomes
from mmlth.analysis.keypoints.scenes import Bools, ImageInstances, read_scenes
from mmlth.analysis.keypoints.skeleton import Skeleton
from mmlth_common.choices import FORMULAS, Formula

BACKGROUND, UNDETECTED = 'background', 'undetected'
ERRORS = ('miss', 'swap', 'inversion', 'jitter', BACKGROUND, UNDETECTED)
"""What can be corrected, in the order of Ronchi and Perona."""

ALL_OKS: tuple[float, ...] = tuple(np.linspace(0.5, 0.95, 10).tolist())
"""COCO's thresholds, over which its AP is the mean."""


@dataclass(frozen=True)
class KeypointRules:
    """What counts, and from when on a prediction is correct.

    Attributes:
        oks: The thresholds from which on a prediction is correct, in (0, 1].
        areas: Least and greatest area of the instances that count, in square pixels. COCO's own AP
            is over (0, 1e10), the paper's analysis leaves out what is smaller than 32².
        most: How many predictions count in an image, those of the highest scores.
        formula: Whose rules are followed: ``'paper'``, or ``'released'`` for those of the authors'
            code.

    Raises:
        ValueError: If a threshold or the formula is none.
    """

    oks: Sequence[float] = ALL_OKS
    areas: tuple[float, float] = (32**2, 1e5**2)
    most: int = 20
    formula: Formula = 'paper'

    def __post_init__(self) -> None:
        if not self.oks or not all(0 < threshold <= 1 for threshold in self.oks):
            raise ValueError(
                f'OKS thresholds are numbers above 0 and up to 1, not {list(self.oks)}'
            )
        if self.formula not in FORMULAS:
            raise ValueError(f'no formula {self.formula!r}; there are {", ".join(FORMULAS)}')


PAPER = KeypointRules()
"""The rules of the paper at COCO's thresholds."""


@dataclass(frozen=True)
class KeypointErrors:
    """The errors of one model on one data set.

    Attributes:
        joints: Names of the K joints.
        kinds: How many keypoints of each joint are of a kind, by kind of `KINDS`. They are the
            labelled joints of the matched instances; by the released code also of those that are
            ignored.
        instances: How many instances count.
        predictions: How many predictions there are, less those that match an instance that is
            ignored, or nothing while outside the range of areas.
        background: How many of these are of no instance.
        undetected: How many of the instances no prediction is of.
        detected: The curve at each OKS threshold, as detected.
        corrected: The curves with all errors of a kind alone corrected, by kind of `ERRORS`; by the
            released code undetected instances after what is background.
        formula: Whose rules to use: those of the paper or of the released code.
    """

    joints: tuple[str, ...]
    kinds: Mapping[str, tuple[int, ...]]
    instances: int
    predictions: int
    background: int
    undetected: int
    detected: tuple[Curve, ...]
    corrected: Mapping[str, tuple[Curve, ...]]
    formula: Formula = 'paper'

    @property
    def keypoints(self) -> int:
        """How many keypoints have a kind."""
        return sum(sum(counts) for counts in self.kinds.values())

    def count(self, kind: str) -> int:
        """How many keypoints, predictions (background) or instances (undetected) are of a kind."""
        others = {BACKGROUND: self.background, UNDETECTED: self.undetected}
        return others[kind] if kind in others else sum(self.kinds[kind])

    def share(self, kind: str) -> float | None:
        """The same as share of all keypoints, predictions or instances, in [0, 1]."""
        totals = {BACKGROUND: self.predictions, UNDETECTED: self.instances}
        total = totals.get(kind, self.keypoints)
        return self.count(kind) / total if total else None

    def curve(self, oks: float, error: str | None = None) -> Curve:
        """The curve at one of the thresholds, as detected or without an error.

        Args:
            oks: The threshold.
            error: The kind that is corrected; None as detected.

        Raises:
            ValueError: If nothing was computed at this threshold.
        """
        curves = self.detected if error is None else self.corrected[error]
        for curve in curves:
            if np.isclose(curve.oks, oks, rtol=0, atol=1e-9):
                return curve
        known = ', '.join(f'{curve.oks:g}' for curve in curves)
        raise ValueError(f'no curve at OKS {oks:g}; there are {known}')

    def ap(self, error: str | None = None, oks: float | None = None) -> float | None:
        """Average precision, in [0, 1]: None where there is no instance to find.

        Args:
            error: The kind that is corrected; None as detected.
            oks: The threshold; None for the mean over all.
        """
        if oks is not None:
            return self.curve(oks, error).area
        curves = self.detected if error is None else self.corrected[error]
        areas = [curve.area for curve in curves if curve.area is not None]
        return float(np.mean(areas)) if areas else None

    def gain(self, error: str, oks: float | None = None) -> float | None:
        """How much average precision rises when a kind of error is corrected.

        Args:
            error: The kind that is corrected.
            oks: The threshold; None for the mean over all.
        """
        second = self.formula == 'released' and error == UNDETECTED
        before, after = self.ap(BACKGROUND if second else None, oks), self.ap(error, oks)
        return None if before is None or after is None else after - before


def keypoint_errors(
    ground_truth: Mapping[str, Any],
    predictions: Sequence[Mapping[str, Any]],
    skeleton: Skeleton,
    rules: KeypointRules = PAPER,
) -> KeypointErrors:
    """Finds the errors of predicted keypoints, and what average precision would be without each.

    After Ronchi and Perona (ICCV 2017, https://arxiv.org/abs/1707.05388), as in supplement B.2 of
    Girish et al. (CVPR 2021). Predictions are matched at an OKS of .1, their keypoints sorted into
    kinds (`mmlth.analysis.keypoints.kinds`) and corrected, one kind at a time
    (`mmlth.analysis.keypoints.correction`). Beside keypoints, whole instances can be wrong:

    - **background**: a prediction that is of no instance, even at an OKS of .1, or of one that a
      prediction of a higher score is of. Correcting takes it away.
    - **undetected**: an instance that no prediction is of. Correcting takes it away.

    One that matches at the threshold of the curve after all is left as it is. As detected, the
    average precision is pycocotools' (with the same sigmas, areas and number of predictions).

    With the formula ``'released'`` all is as in the authors' code instead, which differs in this:

    - A keypoint's kind is that of the nearest location, by ks.
    - Keypoints that match an instance that is ignored have kinds and are corrected, too.
    - Corrected keypoints are put twice as near: with σ² where OKS has (2σ)².
    - Background and undetected is what matches nothing at the threshold of the curve (as counts: at
      none of the thresholds), and undetected instances are taken away after the background, so that
      what is gained is gained on top of that.

    Args:
        ground_truth: A COCO data set, as ``json.load`` gives it.
        predictions: COCO results with ``image_id``, ``category_id``, ``score``, ``keypoints``.
        skeleton: The joints, their sigmas and swap pairs.
        rules: What counts, from which OKS on, and whose rules are followed.

    Raises:
        ValueError: If the data set has no keypoints or others than the skeleton, or predictions are
            of another data set.
    """
    scenes = read_scenes(ground_truth, predictions, skeleton, rules.areas, rules.most)
    diagnoses = [diagnose(scene, skeleton, rules.formula) for scene in scenes]
    detected = [
        outcomes(scene, scene.predictions.keypoints, skeleton, rules.oks) for scene in scenes
    ]
    # What decides, at each threshold, which predictions and instances match nothing.
    deciding = (
        [[diagnosis.outcome] * len(rules.oks) for diagnosis in diagnoses]
        if rules.formula == 'paper'
        else detected
    )
    corrected = {
        **_without_kinds(scenes, diagnoses, detected, skeleton, rules),
        **_without_instances(detected, deciding, rules.formula),
    }
    return KeypointErrors(
        skeleton.joints,
        {kind: _by_joint(diagnoses, index, skeleton) for index, kind in enumerate(KINDS)},
        instances=sum(diagnosis.outcome.instances for diagnosis in diagnoses),
        predictions=sum(int((~_all(at.ignored for at in each)).sum()) for each in deciding),
        background=sum(int(_all(at.background for at in each).sum()) for each in deciding),
        undetected=sum(int(_all(at.overlooked for at in each).sum()) for each in deciding),
        detected=_curves(scenes, detected, rules.oks),
        corrected={kind: _curves(scenes, corrected[kind], rules.oks) for kind in ERRORS},
        formula=rules.formula,
    )


_Results = list[list[MatchResult]]
"""The results of each scene at each OKS threshold."""


def _without_kinds(
    scenes: Sequence[ImageInstances],
    diagnoses: Sequence[Diagnosis],
    detected: _Results,
    skeleton: Skeleton,
    rules: KeypointRules,
) -> dict[str, _Results]:
    """What keypoints are worth without each kind of error that a keypoint can have."""
    return {
        kind: [
            outcomes(
                scene,
                correct(scene, diagnosis, index, skeleton, rules.formula),
                skeleton,
                rules.oks,
            )
            if (diagnosis.kinds == index).any()
            else results
            for scene, diagnosis, results in zip(scenes, diagnoses, detected)
        ]
        for index, kind in enumerate(KINDS[1:], start=1)
    }


def _without_instances(
    detected: _Results, deciding: _Results, formula: Formula
) -> dict[str, _Results]:
    """What keypoints are worth without background and undetected instances."""
    background = [
        [result.without_predictions(at.background) for result, at in zip(results, each)]
        for results, each in zip(detected, deciding)
    ]
    before = detected if formula == 'paper' else background
    undetected = [
        [result.without_instances(at.overlooked) for result, at in zip(results, each)]
        for results, each in zip(before, deciding)
    ]
    return {BACKGROUND: background, UNDETECTED: undetected}


def _all(flags: Iterable[Bools]) -> Bools:
    return np.all(list(flags), axis=0)


def _by_joint(diagnoses: Sequence[Diagnosis], kind: int, skeleton: Skeleton) -> tuple[int, ...]:
    counts = np.zeros(len(skeleton.joints), dtype=int)
    for diagnosis in diagnoses:
        counts += (diagnosis.kinds == kind).sum(axis=0)
    return tuple(counts.tolist())


def _curves(
    scenes: Sequence[ImageInstances], results: Sequence[Sequence[MatchResult]], oks: Sequence[float]
) -> tuple[Curve, ...]:
    """The mean over the categories at each threshold; ``results`` are by scene and threshold."""
    categories = list(dict.fromkeys(scene.category for scene in scenes))
    curves = []
    for index, threshold in enumerate(oks):
        of_categories = [
            precisions(
                [each[index] for scene, each in zip(scenes, results) if scene.category == name]
            )
            for name in categories
        ]
        there = [precision for precision in of_categories if precision is not None]
        mean = np.mean(there, axis=0).tolist() if there else []
        curves.append(Curve(float(threshold), tuple(mean)))
    return tuple(curves)
