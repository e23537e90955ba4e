"""The results of a search as CSV, for spreadsheets and scripts."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from mmlth.report.rounds import Round, metric_names
from mmlth.ticket import write_bytes


def write_results_csv(rounds: Sequence[Round], path: Path) -> None:
    """Writes one row a round: round, sparsity, network_sparsity, each metric, seconds.

    Metrics stand in order of first appearance, just as they were recorded (-1 and NaN too); a cell
    is empty where a round lacks the metric. Reading a number back gives the very same float.

    Args:
        rounds: The rounds of the search.
        path: Where to write.
    """
    metrics = metric_names(rounds)
    text = io.StringIO(newline='')
    writer = csv.writer(text, lineterminator='\n')  # writes floats as their repr
    writer.writerow(['round', 'sparsity', 'network_sparsity', *metrics, 'seconds'])
    for round_ in rounds:
        values = [round_['metrics'].get(name) for name in metrics]  # csv writes None as empty
        numbers = [round_['sparsity'], round_['network_sparsity'], *values, round_['seconds']]
        writer.writerow([round_['round'], *numbers])
    write_bytes(path, text.getvalue().encode())
