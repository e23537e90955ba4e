"""The results of a search as CSV, for spreadsheets and scripts."""

from collections.abc import Sequence
from pathlib import Path

from mmlth.report.kit import write_csv
from mmlth.report.searches import Round, macs_left, metric_names

_LENGTHS = ('epochs', 'saved_epochs', 'iterations', 'saved_iterations')


def write_results_csv(rounds: Sequence[Round], path: Path) -> None:
    """Writes one row a round: round, sparsity, network_sparsity, each metric, seconds.

    Where the search counts multiply-adds, the share of them that is left stands before the metrics;
    with early-bird, the epochs and iterations trained and saved.

    Metrics stand in order of first appearance, just as they were recorded (-1 and NaN too); a cell
    is empty where a round lacks the metric. Reading a number back gives the very same float.

    Args:
        rounds: The rounds of the search.
        path: The file to write.
    """
    metrics = metric_names(rounds)
    lengths = [name for name in _LENGTHS if any(name in round_ for round_ in rounds)]
    counted = ['macs_left'] * any(macs_left(round_) is not None for round_ in rounds)
    rows = []
    for round_ in rounds:
        values = [round_['metrics'].get(name) for name in metrics]
        shares = round_['sparsity'], round_['network_sparsity']
        trained = [*[macs_left(round_) for _ in counted], *[round_.get(name) for name in lengths]]
        rows.append([round_['round'], *shares, *trained, *values, round_['seconds']])
    header = ['round', 'sparsity', 'network_sparsity', *counted, *lengths, *metrics, 'seconds']
    write_csv(path, header, rows)
