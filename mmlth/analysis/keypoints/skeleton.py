"""The joints of an instance: names, tolerances, and which are left and right of each other."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmlth.messages import join_names


@dataclass(frozen=True)
class Skeleton:
    """K joints.

    Attributes:
        joints: Their names, in the order of the data set.
        sigmas: COCO's standard deviation of each, relative to the root of the instance's area.
        swaps: Pairs of names that are left and right of each other. One may stand in either order,
            or in both.

    Raises:
        ValueError: If there are no joints, two of one name, other numbers of joints and sigmas, a
            sigma that is no positive number, or pairs that do not pair joints.
    """

    joints: tuple[str, ...]
    sigmas: tuple[float, ...]
    swaps: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if not self.joints:
            raise ValueError('these keypoints have no joints; name at least one')
        if len(set(self.joints)) < len(self.joints):
            raise ValueError(f'two joints have one name: {", ".join(self.joints)}')
        if len(self.sigmas) != len(self.joints):
            raise ValueError(
                f'{len(self.sigmas)} sigmas were given for {len(self.joints)} joints '
                f'({join_names(self.joints)}); give one sigma a joint'
            )
        if not all(math.isfinite(sigma) and sigma > 0 for sigma in self.sigmas):
            raise ValueError(f'sigmas are positive numbers, not {list(self.sigmas)}')
        unknown = [name for pair in self.swaps for name in pair if name not in self.joints]
        if unknown:
            raise ValueError(
                f'swap pairs name unknown joints: {join_names(unknown)}; the joints are '
                f'{", ".join(self.joints)}'
            )
        names = [name for pair in {frozenset(pair) for pair in self.swaps} for name in pair]
        if len(set(names)) < len(names) or any(left == right for left, right in self.swaps):
            raise ValueError(
                'swap pairs pair each joint with one other, unlike '
                f'{join_names(map(str, self.swaps))}'
            )

    @property
    def mirror(self) -> NDArray[np.intp]:
        """For each joint the index of the one on the other side, or its own, shape (K,)."""
        index = {name: number for number, name in enumerate(self.joints)}
        mirror = np.arange(len(self.joints))
        for left, right in self.swaps:
            mirror[index[left]], mirror[index[right]] = index[right], index[left]
        return mirror
