"""When something happens in a training: in iterations, epochs, or shares of it."""

import re
from dataclasses import dataclass

from mmlth.pruning.errors import PruningError

Step = int | float | str
"""Iterations as an int or ``'500it'``, epochs as ``'2ep'``, a share of all as a float in [0, 1]."""


@dataclass(frozen=True)
class Length:
    """How long a training is.

    Attributes:
        iterations: All of its iterations.
        epoch: Iterations of one epoch; None where it has none.
    """

    iterations: int
    epoch: int | None = None

    def iterations_of(self, name: str, step: Step) -> int:
        """A step in iterations: the nearest whole number for a share.

        Args:
            name: What the step is called, for messages.
            step: A whole number of iterations at least 0, ``'500it'``, ``'2ep'``, or a share of the
                training, a float in [0, 1].

        Raises:
            PruningError: If it is none of these, or an epoch of a training without any.
        """
        if isinstance(step, int) and not isinstance(step, bool) and step >= 0:
            return step
        if isinstance(step, float) and 0 <= step <= 1:
            return round(step * self.iterations)
        match = re.fullmatch(r'(\d+)(it|ep)', step) if isinstance(step, str) else None
        if match is None:
            raise PruningError(
                f"{name} must be a number of iterations such as 500 or '500it', of epochs such as "
                f"'2ep', or a share of the training from 0.0 to 1.0, got {step!r}"
            )
        if match[2] == 'it':
            return int(match[1])
        if self.epoch is None:
            raise PruningError(
                f'{name}={step!r} counts epochs, but this training counts iterations; give '
                "iterations such as '500it', or a share such as 0.1"
            )
        return int(match[1]) * self.epoch


def check_order(length: Length, **steps: int) -> None:
    """Refuses steps that do not come one after the other, within the training.

    Args:
        length: Of the training.
        **steps: Iterations by name, in the order in which they should come.

    Raises:
        PruningError: If one comes after the next, or after the end of the training.
    """
    names, values = list(steps), [*steps.values(), length.iterations]
    for name, value, after in zip(names, values, values[1:]):
        if value > after:
            listed = ', '.join(f'{name}={value}' for name, value in steps.items())
            raise PruningError(
                f'{name} comes too late: of {length.iterations} iterations, {listed}; steps must '
                'follow each other within the training'
            )
