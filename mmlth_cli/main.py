"""``mmlth COMMAND``."""

import argparse
import importlib
import os
import select
import sys
from collections.abc import Sequence

from mmlth_cli import (
    analyze,
    bench,
    branch,
    configs,
    connect,
    convert,
    export,
    inspect,
    report,
    soup,
    targets,
    train,
    transfer,
)
from mmlth_cli.completion import complete
from mmlth_cli.key_values import read_key_values
from mmlth_common.packages import INSTALL, missing_package
from mmlth_common.version import __version__

COMMANDS = {
    'train': train,
    'branch': branch,
    'report': report,
    'analyze': analyze,
    'configs': configs,
    'targets': targets,
    'transfer': transfer,
    'convert': convert,
    'export': export,
    'bench': bench,
    'inspect': inspect,
    'connect': connect,
    'soup': soup,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line ``argv`` (default: the process's); returns the exit code."""
    parser, parsers = build_parsers()
    complete(parser)
    options = parser.parse_args(argv)
    try:
        return _run(options, parsers[options.command])
    except ModuleNotFoundError as error:
        if error.name not in INSTALL:
            raise
        print(f'mmlth: {_sentence(error, options.command)}', file=sys.stderr)
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


def build_parsers() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """Builds the parser of ``mmlth``, and those of its commands by their names."""
    parser = argparse.ArgumentParser(prog='mmlth', description='Lottery tickets for OpenMMLab.')
    parser.add_argument('--version', action='version', version=f'mmlth {__version__}')
    commands = parser.add_subparsers(dest='command', metavar='COMMAND', required=True)
    parsers = {}
    for name, command in COMMANDS.items():
        summary = (command.__doc__ or '').split('\n\n')[0].split(': ', 1)[1]
        parsers[name] = commands.add_parser(name, help=summary, description=summary)
        command.add_arguments(parsers[name])
    return parser, parsers


def _run(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Runs the command, and shows an error that a user can mend in one line."""
    # Importing mmlth takes seconds, which neither --help nor a wrong option waits for.
    from mmlth.errors import LotteryError
    from mmlth.ticket import TicketError

    try:
        read_key_values(parser, options)
        importlib.import_module(f'mmlth.commands.{options.command}').run(options)
        sys.stdout.flush()
    except (LotteryError, TicketError) as error:
        print(f'mmlth: {error}', file=sys.stderr)
        return 1
    return 0


def _sentence(error: ModuleNotFoundError, command: str) -> str:
    """What mmlth says of a missing package is a sentence already; what Python says is none."""
    if str(error).startswith('No module named'):
        return missing_package(str(error.name), f'mmlth {command}')
    return str(error)


def _output_is_closed() -> bool:
    """Whether what reads standard output has gone, as ``| head`` does once it has its lines."""
    output = select.poll()
    output.register(sys.stdout.fileno(), 0)
    return any(event & select.POLLERR for _, event in output.poll(0))


if __name__ == '__main__':
    sys.exit(main())
