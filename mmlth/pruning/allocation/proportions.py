"""Whole numbers in given proportions."""

from collections.abc import Sequence
from fractions import Fraction

from mmlth.pruning.errors import PruningError


def share_out(total: int, weights: Sequence[int | Fraction], most: Sequence[int]) -> list[int]:
    """Whole numbers that are as good as proportional to ``weights`` and sum to ``total``.

    Where one would be larger than its ``most`` it is that, and the others share the rest in
    proportion. Fractions go to the largest remainders, and where these tie, to earlier positions.

    Args:
        total: The number to share out, at most the sum of ``most``.
        weights: Not negative. Those of weight 0 share what all others cannot take.
        most: The largest number that each may get.

    Raises:
        PruningError: If ``total`` is out of range.

    Example:
        >>> share_out(10, [1, 1, 2], [9, 1, 9])
        [3, 1, 6]
    """
    if not 0 <= total <= sum(most):
        raise PruningError(f'cannot share out {total} where at most {sum(most)} fit')
    exact = _proportional(total, [Fraction(weight) for weight in weights], most)
    numbers = [int(share) for share in exact]
    order = sorted(range(len(exact)), key=lambda i: (numbers[i] - exact[i], i))
    for i in order[: total - sum(numbers)]:
        numbers[i] += 1
    return numbers


def _proportional(total: int, weights: list[Fraction], most: Sequence[int]) -> list[Fraction]:
    exact = [Fraction(0)] * len(weights)
    left, open_ = Fraction(total), [i for i in range(len(weights)) if most[i]]
    while open_ and left:
        if not any(weights[i] for i in open_):
            weights = [Fraction(limit) for limit in most]
        factor = left / sum(weights[i] for i in open_)
        full = [i for i in open_ if weights[i] * factor >= most[i]]
        for i in full or open_:
            exact[i] = Fraction(most[i]) if full else weights[i] * factor
            left -= exact[i]
        open_ = [i for i in open_ if i not in full] if full else []
    return exact
