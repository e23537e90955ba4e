"""Alternating compressed and decompressed training."""

from dataclasses import dataclass
from typing import ClassVar

from mmlth.pruning.mask import Mask
from mmlth.pruning.methods.method import Moment
from mmlth.pruning.methods.timing import Length, Step, check_order


@dataclass(frozen=True)
class ACDC:
    """Sparse and dense phases take turns (Peste et al., NeurIPS 2021, arXiv 2106.12379).

    Training begins dense. From ``begin`` on, phases of equal length are sparse and dense in turns;
    at ``end`` the last, sparse one begins. At the start of each sparse phase the mask is drawn anew
    from all weights; in dense ones those that were pruned train again, from zero. Where there is no
    room for both a sparse and a dense phase before ``end``, the dense one before goes on. The
    default is the paper's of 100 epochs: 10 dense ones, then 5 and 5 in turns, a dense one of 10
    and a sparse one of 15.

    Args:
        begin: When the first sparse phase begins.
        phase: How long a phase is.
        end: When the last one begins.
    """

    begin: Step = 0.1
    phase: Step = 0.05
    end: Step = 0.85

    nested: ClassVar[bool] = False
    prunes: ClassVar[bool] = True
    gradients: ClassVar[bool] = False

    def updates(self, length: Length) -> frozenset[int]:
        """See `Method`."""
        return frozenset({0, *self._phases(length)})

    def update(self, moment: Moment) -> Mask:
        """See `Method`."""
        dense = Mask.dense(moment.weights)
        if not self._phases(moment.length).get(moment.done, False):
            return dense
        return moment.prune(moment.weights, dense, moment.keep)

    def _phases(self, length: Length) -> dict[int, bool]:
        """Whether a phase is sparse, by the iterations that are done before it."""
        begin, end = (
            length.iterations_of(name, step)
            for name, step in (('begin', self.begin), ('end', self.end))
        )
        phase = max(length.iterations_of('phase', self.phase), 1)
        check_order(length, begin=begin, end=end)
        phases: dict[int, bool] = {}
        for start in range(begin, end - 2 * phase + 1, 2 * phase):
            phases |= {start: True, start + phase: False}
        return {**phases, end: True}
