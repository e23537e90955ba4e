"""``mmlth branch``: train a control of a search, or other settings, without its dense round."""

import argparse
import os
from typing import Any

from mmlth.cli.options import DictAction, add_cfg_options, add_lottery, lottery
from mmlth.engine import branch
from mmlth.engine.settings import control_names


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument('work_dir', help='of the search')
    parser.add_argument(
        'control',
        nargs='?',
        help=f'{", ".join(control_names())}, or one of your own; '
        'none: a search with other settings, given by the options below',
    )
    parser.add_argument('--name', help='the branch goes to WORK_DIR/branches/NAME')
    parser.add_argument('--label', help='its line in reports, which branches may share')
    parser.add_argument(
        '--tickets',
        nargs='+',
        type=int,
        metavar='ROUND',
        help='the rounds whose tickets get the control; default: all pruned ones',
    )
    parser.add_argument(
        '--control-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='of the control, such as share=0.2 of noise',
    )
    parser.add_argument(
        '--seed', type=int, default=0, help='another one draws other masks, weights or orders'
    )
    add_cfg_options(parser)
    add_lottery(parser)
    parser.add_argument('--resume', action='store_true', help='continue the branch, if it is there')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help='set by torch')


def run(options: argparse.Namespace) -> None:
    """Runs the branch."""
    os.environ.setdefault('LOCAL_RANK', str(options.local_rank))
    control: Any = options.control
    if control and options.control_options:
        control = {'type': control, **options.control_options}
    branch(
        options.work_dir,
        control,
        name=options.name,
        label=options.label,
        tickets=options.tickets,
        seed=options.seed,
        resume=options.resume,
        launcher=options.launcher,
        cfg_options=options.cfg_options,
        **lottery(options),
    )
