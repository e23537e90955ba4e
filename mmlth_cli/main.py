"""``mmlth COMMAND``."""

import argparse
import os
import select
import sys
from collections.abc import Sequence

from mmlth.cli import (
    analyze,
    branch,
    connect,
    convert,
    export,
    inspect,
    report,
    targets,
    train,
    transfer,
)
from mmlth.engine import LotteryError
from mmlth.ticket import TicketError
from mmlth.version import __version__

COMMANDS = {
    'train': train,
    'branch': branch,
    'report': report,
    'analyze': analyze,
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
        sys.stdout.flush()
    except (LotteryError, TicketError) as error:
        print(f'mmlth: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('mmlth: stopped', file=sys.stderr)
        return 130
    except BrokenPipeError:
        if not _output_is_closed():
            raise
        # At exit Python would write to it once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141  # as of a program that SIGPIPE ends
    return 0


def _output_is_closed() -> bool:
    """Whether what reads standard output has gone, as ``| head`` does once it has its lines."""
    output = select.poll()
    output.register(sys.stdout.fileno(), 0)
    return any(event & select.POLLERR for _, event in output.poll(0))
