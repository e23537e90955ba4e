"""Gradual magnitude pruning."""

from dataclasses import dataclass
from typing import ClassVar

from mmlth.pruning.errors import PruningError
from mmlth.pruning.mask import Mask
from mmlth.pruning.methods.method import Moment
from mmlth.pruning.methods.timing import Length, Step, check_order


@dataclass(frozen=True)
class Gradual:
    """The sparsity rises fast at first, then ever slower (Zhu & Gupta, 2017, arXiv 1710.01878).

    After t iterations it is s_f + (s_i − s_f)·(1 − (t − t_0)/(n·Δt))³, from t_0 to t_0 + n·Δt. What
    is pruned stays pruned.

    Args:
        begin: t_0, when it is s_i.
        end: When it is s_f; what is left of the training is for the weights to recover.
        every: Δt, between two updates. The last one is at ``end`` whatever ``every`` is.
        initial: s_i, the share of all that is removed at ``begin``.
        power: The exponent, 3 by the paper; 1 rises evenly.

    Raises:
        PruningError: If ``initial`` or ``power`` is out of range.
    """

    begin: Step = 0.0
    end: Step = 0.75
    every: Step = 0.01
    initial: float = 0.0
    power: float = 3.0

    nested: ClassVar[bool] = True
    prunes: ClassVar[bool] = True
    gradients: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not 0 <= self.initial < 1:
            raise PruningError(f'initial must be a share in [0, 1), got {self.initial!r}')
        if not self.power > 0:
            raise PruningError(f'power must be a positive number, got {self.power!r}')

    def updates(self, length: Length) -> frozenset[int]:
        """See `Method`."""
        begin, end = self._range(length)
        every = max(length.iterations_of('every', self.every), 1)
        return frozenset({0, end, *range(begin, end, every)})

    def update(self, moment: Moment) -> Mask:
        """See `Method`."""
        begin, end = self._range(moment.length)
        if moment.done < begin:
            return moment.mask
        left = (end - moment.done) / (end - begin) if end > begin else 0.0
        most = moment.total - round(self.initial * moment.total)
        extra = max(most - moment.keep, 0)
        keep = moment.keep + round(extra * left**self.power)
        return moment.prune(moment.weights, moment.mask, keep)

    def _range(self, length: Length) -> tuple[int, int]:
        begin = length.iterations_of('begin', self.begin)
        end = length.iterations_of('end', self.end)
        check_order(length, begin=begin, end=end)
        return begin, end
