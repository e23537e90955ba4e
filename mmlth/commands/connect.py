"""``mmlth connect``: evaluate the networks on the line between two, and measure their distance."""

import argparse
import sys
from pathlib import Path

from mmlth.analysis.networks import (
    Connection,
    Metrics,
    WeightDistance,
    connect,
    overall,
    weight_distances,
)
from mmlth.commands.weights import weights_at
from mmlth.console import output_console
from mmlth.engine import LotteryError, read_config
from mmlth.engine.evaluation import Evaluation
from mmlth.messages import reason
from mmlth.report.commands import (
    connection_table,
    distance_line,
    plot_connection,
    write_connection_csv,
    write_distances_csv,
)
from mmlth.ticket import Ticket


def run(options: argparse.Namespace) -> None:
    """Writes connect.csv, distances.csv and connect.png; prints what they hold in short."""
    if options.points < 2 or options.recompute_statistics < 0:
        raise LotteryError(
            f'--points takes 2 or more and --recompute-statistics 0 or more, got '
            f'{options.points} and {options.recompute_statistics}'
        )
    work_dir = Path(options.work_dir or f'work_dirs/{Path(options.config).stem}_connect')
    config = read_config(options.config, options.cfg_options)
    tickets = weights_at(options.first), weights_at(options.second)
    distances = _distances(tickets, options.origin)
    evaluation = Evaluation(config, work_dir, options.recompute_statistics)
    states = [ticket.state_dict() for ticket in tickets]
    try:
        connection = connect(
            states[0], states[1], evaluation.measured, options.points, _print_progress
        )
    except ValueError as error:
        raise LotteryError(reason(error)) from error
    _write(connection, distances, (options.first, options.second), work_dir)


def _distances(tickets: tuple[Ticket, Ticket], origin: str | None) -> list[WeightDistance]:
    """How far the weights that both keep are from each other, by layer and overall."""
    first, second = (ticket.mask for ticket in tickets)
    shared = {
        name: kept & second[name]
        for name, kept in first.items()
        if name in second and kept.shape == second[name].shape
    }
    start = None if origin is None else weights_at(origin).state_dict()
    states = [ticket.state_dict() for ticket in tickets]
    try:
        distances = weight_distances(states[0], states[1], shared, start)
    except ValueError as error:
        raise LotteryError(reason(error)) from error
    return [*distances, overall(distances)]


def _print_progress(t: float, metrics: Metrics) -> None:
    shown = ', '.join(f'{k} {v:.4f}' for k, v in list(metrics.items())[:4] if v is not None)
    print(f't = {t:.3g}: {shown}', file=sys.stderr)


def _write(
    connection: Connection,
    distances: list[WeightDistance],
    paths: tuple[str, str],
    work_dir: Path,
) -> None:
    write_connection_csv(connection, work_dir / 'connect.csv')
    write_distances_csv(distances, work_dir / 'distances.csv')
    stems = Path(paths[0]).stem, Path(paths[1]).stem
    names = stems if stems[0] != stems[1] else ('A', 'B')
    plot_connection(connection, names, work_dir / 'connect.png')
    console = output_console()
    console.print(connection_table(connection))
    console.out(distance_line(distances[-1]), highlight=False)
    console.out(f'plot: {work_dir / "connect.png"}', highlight=False)
