"""``mmlth COMMAND``."""

import argparse
import sys
from collections.abc import Sequence

from mmlth.cli import branch, connect, convert, export, inspect, report, targets, train, transfer
from mmlth.engine import LotteryError
from mmlth.ticket import TicketError
from mmlth.version import __version__

COMMANDS = {
    'train': train,
    'branch': branch,
    'report': report,
    'targets': targets,
    'transfer': transfer,
    'convert': convert,
    'export': export,
    'inspect': inspect,
    'connect': connect,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line ``argv`` (default: the process's); returns the exit code."""
    parser = argparse.ArgumentParser(prog='mmlth', description='Lottery tickets for OpenMMLab.')
    parser.add_argument('--version', action='version', version=f'mmlth {__version__}')
    commands = parser.add_subparsers(dest='command', metavar='COMMAND', required=True)
    for name, command in COMMANDS.items():
        summary = (command.__doc__ or '').split('\n\n')[0].split(': ', 1)[1]
        command.add_arguments(commands.add_parser(name, help=summary, description=summary))
    options = parser.parse_args(argv)
    try:
        COMMANDS[options.command].run(options)
    except (LotteryError, TicketError) as error:
        print(f'mmlth: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('mmlth: stopped', file=sys.stderr)
        return 130
    return 0
