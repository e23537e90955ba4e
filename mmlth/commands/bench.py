"""``mmlth bench``: measure how fast the network of a ticket is, beside dense ones and runtimes."""

import argparse
from pathlib import Path

from rich.console import Console

from mmlth.analysis.speed import Speed, ticket_speed
from mmlth.console import output_console
from mmlth.engine.state import bench_folder_of
from mmlth.errors import LotteryError
from mmlth.quiet import quiet
from mmlth.report.speed import SPEED_FILE, plot_speeds, print_speed, speed_text, write_speed_csv
from mmlth.ticket import write_bytes


def run(options: argparse.Namespace) -> None:
    """Measures, writes bench.json, bench.csv and bench.png, and prints a table or the JSON."""
    if min(options.threads) < 1 or options.rounds < 1:
        raise LotteryError(
            f'--threads and --rounds take 1 or more, got {" ".join(map(str, options.threads))} and '
            f'{options.rounds}'
        )
    size = options.input
    folder = Path(options.out) if options.out else bench_folder_of(Path(options.ticket))
    console = Console(stderr=True)
    with quiet(), console.status('reading the ticket') as status:  # prints of packages are no JSON
        speed = ticket_speed(
            options.ticket,
            config=options.config,
            size=None if size is None else (size[0], size[1]),
            part=options.part,
            threads=list(dict.fromkeys(options.threads)),
            rounds=options.rounds,
            progress=status.update,
        )
    _write(speed, folder)
    if options.json:
        print(speed_text(speed), end='')
        return
    output = output_console()
    print_speed(output, speed)
    output.out(f'plot: {folder / "bench.png"}', highlight=False)


def _write(speed: Speed, folder: Path) -> None:
    try:
        write_bytes(folder / SPEED_FILE, speed_text(speed).encode())
        write_speed_csv([speed], folder / 'bench.csv')
        plot_speeds({'': speed}, folder / 'bench.png')
    except OSError as error:
        raise LotteryError(f'{folder} cannot be written: {error.strerror or error}') from error
