"""Which metrics of a search a person looks at first."""

from collections.abc import Sequence

from mmlth.engine.evaluation import main_among
from mmlth.report.searches.rounds import Round, metric_names


def main_metrics(rounds: Sequence[Round]) -> list[str]:
    """Chooses the metrics that sum up a search, see `main_among`.

    Args:
        rounds: The rounds of the search.

    Returns:
        Names of metrics in order of first appearance.
    """
    return main_among(metric_names(rounds))
