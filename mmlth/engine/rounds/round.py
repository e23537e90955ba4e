"""One round of a search."""

from dataclasses import dataclass, field

from mmengine.runner import Runner

from mmlth.engine.rounds.plans import RoundPlan
from mmlth.engine.rounds.training import RoundResult
from mmlth.pruning import Mask


@dataclass
class Round:
    """One round of a search while it runs.

    Attributes:
        index: The index of the round; 0 is the dense one.
        plan: What it trains, from where.
        mask: What it trains under; that of the dense round keeps all weights. A method changes it.
        sparsity: The share of the prunable weights that it ends without.
        trainer: The Runner that trains it.
        result: What it ended with; there once it is trained.
    """

    index: int
    plan: RoundPlan
    mask: Mask
    sparsity: float
    trainer: Runner
    result: RoundResult = field(init=False)
