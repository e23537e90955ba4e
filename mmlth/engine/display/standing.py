"""Where a training is, as displays show it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True)
class Standing:
    """Where a training is.

    Attributes:
        title: What is trained, such as ``'round 1 of 3, sparsity 41.5%'``.
        rounds_done: How many rounds of the search are done before it.
        rounds: How many rounds the search has; 1 for a training alone.
        place: How far the training is, such as ``'epoch 2 of 5, iteration 40 of 125'``.
        share: How far it is, from 0 to 1.
        seconds_left: How long the rest will take; None while that is unknown.
        metrics: The newest ones of this training.
        dense: Those that the dense round ended with.
    """

    title: str
    rounds_done: int
    rounds: int
    place: str
    share: float
    seconds_left: float | None = None
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    dense: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def time_left(self) -> str:
        """How long the rest will take, in words; empty while that is unknown."""
        if self.seconds_left is None:
            return ''
        return f'about {timedelta(seconds=round(self.seconds_left))} left'


def metrics_text(
    metrics: Mapping[str, float | None], dense: Mapping[str, float | None] | None = None
) -> str:
    """Metrics in a line, each beside that of the dense round.

    Args:
        metrics: The metrics.
        dense: Those of the dense round, if it is done and another one.

    Example:
        >>> metrics_text({'AP': 0.5, 'AR': None}, {'AP': 0.6})
        'AP 0.500 (dense 0.600), AR –'
    """
    parts = []
    for name, value in metrics.items():
        reference = (dense or {}).get(name)
        beside = '' if reference is None else f' (dense {metric_cell(reference)})'
        parts.append(f'{name} {metric_cell(value)}{beside}')
    return ', '.join(parts)


def metric_cell(value: float | None) -> str:
    """A metric as the table at the end of a search writes it."""
    return '–' if value is None else f'{value:.3f}'
