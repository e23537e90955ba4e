"""``mmlth connect``: evaluate the networks on the line between two, and measure their distance."""

import argparse
import sys
from pathlib import Path

from rich.console import Console

from mmlth.analysis.networks import (
    Connection,
    Metrics,
    WeightDistance,
    connect,
    overall,
    weight_distances,
)
from mmlth.cli.options import add_config
from mmlth.engine import LotteryError, read_config
from mmlth.engine.evaluation import Evaluation
from mmlth.engine.tickets import read_weights
from mmlth.messages import reason
from mmlth.report.commands import (
    connection_table,
    distance_line,
    plot_connection,
    write_connection_csv,
    write_distances_csv,
)
from mmlth.ticket import Ticket

_LOG_WIDTH = 160


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.epilog = (
        'Running statistics of norm layers are interpolated like weights; '
        '--recompute-statistics finds those that each network really has.'
    )
    add_config(parser)
    parser.add_argument('first', metavar='A', help='a ticket or a checkpoint: t = 0')
    parser.add_argument('second', metavar='B', help='another of the same model: t = 1')
    parser.add_argument(
        '--points', type=int, default=11, metavar='N', help='both ends included; default: 11'
    )
    parser.add_argument(
        '--recompute-statistics',
        type=int,
        default=0,
        metavar='N',
        help='compute running statistics anew at each point, from N batches of training data',
    )
    parser.add_argument(
        '--origin',
        help='where angles are measured from, such as the rewind.safetensors that both were '
        'trained from; default: zero',
    )
    parser.add_argument('--work-dir', help='default: work_dirs/CONFIG_connect')


def run(options: argparse.Namespace) -> None:
    """Writes connect.csv, distances.csv and connect.png; prints what they hold in short."""
    if options.points < 2 or options.recompute_statistics < 0:
        raise LotteryError(
            f'--points takes 2 or more and --recompute-statistics 0 or more, got '
            f'{options.points} and {options.recompute_statistics}'
        )
    work_dir = Path(options.work_dir or f'work_dirs/{Path(options.config).stem}_connect')
    config = read_config(options.config, options.cfg_options)
    tickets = _read(options.first), _read(options.second)
    distances = _distances(tickets, options.origin)
    evaluation = Evaluation(config, work_dir, options.recompute_statistics)
    states = [ticket.state_dict() for ticket in tickets]
    try:
        found = connect(states[0], states[1], evaluation.measured, options.points, _tell)
    except ValueError as error:
        raise LotteryError(reason(error)) from error
    _write(found, distances, (options.first, options.second), work_dir)


def _read(path: str) -> Ticket:
    try:
        return read_weights(path)
    except FileNotFoundError as error:
        raise LotteryError(f'{error} (seen from {Path.cwd()})') from error


def _distances(tickets: tuple[Ticket, Ticket], origin: str | None) -> list[WeightDistance]:
    """Of the weights that both keep, by layer and overall."""
    first, second = (ticket.mask for ticket in tickets)
    shared = {
        name: kept & second[name]
        for name, kept in first.items()
        if name in second and kept.shape == second[name].shape
    }
    start = None if origin is None else _read(origin).state_dict()
    states = [ticket.state_dict() for ticket in tickets]
    try:
        found = weight_distances(states[0], states[1], shared, start)
    except ValueError as error:
        raise LotteryError(reason(error)) from error
    return [*found, overall(found)]


def _tell(t: float, metrics: Metrics) -> None:
    shown = ', '.join(f'{k} {v:.4f}' for k, v in list(metrics.items())[:4] if v is not None)
    print(f't = {t:.3g}: {shown}', file=sys.stderr)


def _write(
    found: Connection, distances: list[WeightDistance], paths: tuple[str, str], work_dir: Path
) -> None:
    write_connection_csv(found, work_dir / 'connect.csv')
    write_distances_csv(distances, work_dir / 'distances.csv')
    stems = Path(paths[0]).stem, Path(paths[1]).stem
    names = stems if stems[0] != stems[1] else ('A', 'B')
    plot_connection(found, names, work_dir / 'connect.png')
    console = Console(width=None if sys.stdout.isatty() else _LOG_WIDTH)
    console.print(connection_table(found))
    console.out(distance_line(distances[-1]), highlight=False)
    console.out(f'plot: {work_dir / "connect.png"}', highlight=False)
