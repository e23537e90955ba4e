"""How fast trainings come near to what the dense model ends with (Girish et al., CVPR 2021)."""

from collections.abc import Iterable, Sequence

SHARES = (0.9, 0.95, 0.99)
"""The shares of the dense result that trainings are timed to."""

Measurement = tuple[float, float]
"""How far a training is, in epochs or iterations, and what was measured there."""


def goal(dense: float, share: float, lower_is_better: bool = False) -> float | None:
    """The value that counts as a share of the dense result.

    Of a metric it is ``share · dense``. Of an error or a loss, where lower is better, it is
    ``dense / share``: 90 % of a dense loss of 0.9 are reached at 1.0.

    Args:
        dense: What the dense model ends with.
        share: The share, in (0, 1].
        lower_is_better: Whether lower values are better.

    Returns:
        The value; None where the dense result is not positive, of which there are no shares.

    Raises:
        ValueError: If the share is out of range.
    """
    if not 0 < share <= 1:
        raise ValueError(f'a share of the dense result lies in (0, 1], got {share}')
    if dense <= 0:
        return None
    return dense / share if lower_is_better else dense * share


def first_reached(
    points: Iterable[Measurement], value: float, lower_is_better: bool = False
) -> float | None:
    """Where a training was first measured at a value or better.

    Only what was measured counts: between two validations nothing is assumed, so the answer is
    never too early, and late by less than the time from one validation to the next.

    Args:
        points: What was measured of one training, in any order.
        value: What to reach.
        lower_is_better: Whether lower values are better.

    Returns:
        The smallest position of a point that reaches the value; None where none does.
    """
    reached = [
        position
        for position, measured in points
        if (measured <= value if lower_is_better else measured >= value)
    ]
    return min(reached, default=None)


def epochs_to_shares(
    points: Sequence[Measurement],
    dense: float,
    lower_is_better: bool = False,
    shares: Sequence[float] = SHARES,
) -> dict[float, float | None]:
    """How long a training takes to each share of the dense result; see `goal`, `first_reached`.

    Args:
        points: What was measured of the training.
        dense: What the dense model ends with.
        lower_is_better: Whether lower values are better.
        shares: The shares to reach.

    Returns:
        By share the position in the unit of the points; None where it is never reached.

    Raises:
        ValueError: If a share is out of range.

    Example:
        >>> epochs_to_shares([(1, 0.2), (2, 0.46), (3, 0.5)], dense=0.5)
        {0.9: 2, 0.95: 3, 0.99: 3}
        >>> epochs_to_shares([(1, 2.0), (2, 1.1), (3, 1.0)], dense=1.0, lower_is_better=True)
        {0.9: 2, 0.95: 3, 0.99: 3}
    """
    goals = {share: goal(dense, share, lower_is_better) for share in shares}
    return {
        share: None if value is None else first_reached(points, value, lower_is_better)
        for share, value in goals.items()
    }
