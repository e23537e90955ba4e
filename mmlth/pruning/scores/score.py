"""What a score is, and what it declares to need."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from torch import Tensor

from mmlth.pruning.errors import PruningError
from mmlth.pruning.score_inputs import NEEDS, ScoreInputs

_Callable = TypeVar('_Callable', bound=Callable[..., Any])


class Score(Protocol):
    """Ranks the weights: those with the higher score are kept longer.

    A score that looks at more than the trained weights says so in an attribute ``needs``, a set of
    ``'start'`` (θ_k), ``'network'`` (the model and its training data) and ``'deviations'`` (σ of
    Gaussian weights); see `needing`. Without it these cannot be looked at.

    A score may have an attribute ``iterations``: in so many steps, over which the density falls
    geometrically, a mask is drawn by it, the score being taken anew under the mask of each step.
    """

    def __call__(self, inputs: ScoreInputs, /) -> Mapping[str, Tensor]:
        """Scores the weights.

        Args:
            inputs: The trained weights, the mask and what the score needs. Nothing of it may be
                changed. Weights are on the CPU, in the dtype that they were trained in.

        Returns:
            For each name in ``inputs.mask`` a tensor of the weight's shape, of any floating or
            integer dtype and on any device. Scores of weights that the mask does not keep are not
            looked at; no other one may be NaN. Infinite ones are allowed.

        Raises:
            PruningError: If the inputs do not suffice. Users see its message alone, of any other
                error the traceback.
        """


def needing(*needs: str) -> Callable[[_Callable], _Callable]:
    """Decorates a function that is a score: declares what it needs beside the trained weights.

    A class may as well have the attribute ``needs``, a set.

    Args:
        *needs: Among ``'start'``, ``'network'`` and ``'deviations'``.

    Example:
        >>> @needing('start')
        ... def grown(inputs):
        ...     start = inputs.start_weights
        ...     return {name: w.abs() - start[name].abs() for name, w in inputs.weights.items()}
        >>> needs_of(grown)
        frozenset({'start'})
    """

    def declare(score: _Callable) -> _Callable:
        score.needs = frozenset(needs)  # type: ignore[attr-defined]
        return score

    return declare


def needs_of(score: Score) -> frozenset[str]:
    """What a score declares to need beside the trained weights.

    Raises:
        PruningError: If it is no set of ``'start'``, ``'network'`` and ``'deviations'``.
    """
    needs: Any = getattr(score, 'needs', frozenset())
    if not isinstance(needs, (set, frozenset, tuple, list)) or not NEEDS.issuperset(needs):
        known = ', '.join(map(repr, sorted(NEEDS)))
        raise PruningError(f'the needs of a score must be a set out of {known}, got {needs!r}')
    return frozenset(needs)


def needs_at(at: str) -> frozenset[str]:
    """What a score needs that evaluates the network at ``'start'`` or at the trained weights."""
    return frozenset({'network', 'start'} if at == 'start' else {'network'})
