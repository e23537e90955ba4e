"""One round of a search, of a branch or of a control: planned, trained and recorded."""

from mmlth.engine.rounds.round_length import round_pace
from mmlth.engine.rounds.run import free_memory, run_round
from mmlth.engine.rounds.training import TRAIN_LOSS

__all__ = [
    'TRAIN_LOSS',
    'free_memory',
    'round_pace',
    'run_round',
]
