"""``mmlth train``: run a lottery-ticket search with any config, with or without a lottery key."""

import argparse
import os

from mmlth.cli.options import add_config, add_lottery, lottery
from mmlth.engine.api import search


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    add_config(parser)
    add_lottery(parser)
    parser.add_argument('--work-dir', help="default: the config's, else work_dirs/CONFIG")
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        choices=['auto'],
        help='continue the search that the work_dir holds, if it holds one',
    )
    parser.add_argument('--amp', action='store_true', help='automatic mixed precision')
    parser.add_argument('--auto-scale-lr', action='store_true', help='by the batch size')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help='set by torch')


def run(options: argparse.Namespace) -> None:
    """Runs the search."""
    os.environ.setdefault('LOCAL_RANK', str(options.local_rank))
    search(
        options.config,
        work_dir=options.work_dir,
        resume=options.resume is not None,
        amp=options.amp,
        auto_scale_lr=options.auto_scale_lr,
        launcher=options.launcher,
        cfg_options=options.cfg_options,
        **lottery(options),
    )
