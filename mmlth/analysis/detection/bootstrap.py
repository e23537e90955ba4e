"""Intervals by resampling images (Efron 1979).

A data set is a draw of images; another draw would have given another average precision. How far
that varies is estimated by drawing as many images from the data set itself, with replacement.

Average precision is no mean over images: resamples, which hold images twice, tend to have a little
more of it. So an interval need not be centred on its value. That of a difference between models is
less askew, for both are judged by the same draws.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
"""Share of the replicates that an interval holds: the percentiles 2.5 to 97.5."""


@dataclass(frozen=True)
class Estimate:
    """A number and the interval it lies in.

    Attributes:
        value: On all images; None where there is nothing to measure.
        low: Lower end of the interval; None where no interval can be given.
        high: Upper end.
    """

    value: float | None
    low: float | None = None
    high: float | None = None

    @property
    def certain(self) -> bool:
        """Whether the interval leaves out 0, so that the sign of a difference is known."""
        return self.low is not None and self.high is not None and self.low * self.high > 0


def resamples(images: int, replicates: int, seed: int) -> NDArray[np.int64]:
    """Draws images with replacement, as many as there are.

    The same for the same arguments, so that two models are judged by the same draws.

    Args:
        images: The number I of images.
        replicates: How many draws B.
        seed: The seed of the draws.

    Returns:
        (B, I): how often each image is drawn.
    """
    draws = np.random.default_rng(seed).integers(images, size=(replicates, images))
    counts = np.zeros((replicates, images), np.int64)
    np.add.at(counts, (np.arange(replicates)[:, None], draws), 1)
    return counts


def estimate(value: float, replicates: NDArray[np.float64]) -> Estimate:
    """The percentile interval of a number at `LEVEL`.

    Args:
        value: On all images; NaN where there is nothing to measure.
        replicates: (B,). On each resample; NaN where it holds nothing to measure. Such replicates
            are left out, so that the interval is one of data sets that hold what is measured.
    """
    if np.isnan(value):
        return Estimate(None)
    known = replicates[~np.isnan(replicates)]
    if not len(known):
        return Estimate(float(value))
    low, high = np.percentile(known, [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    return Estimate(float(value), float(low), float(high))
