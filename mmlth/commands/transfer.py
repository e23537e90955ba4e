"""``mmlth transfer``: make a ticket, or pre-trained weights, a ticket of another model."""

import argparse
import sys
from pathlib import Path

from rich.console import Console

from mmlth.cli.options import DictAction
from mmlth.engine import LotteryError
from mmlth.engine.transfer import VALUES, transfer
from mmlth.report.commands import print_transfer
from mmlth.ticket import DEPTHS, INPUTS, save_ticket

_TICKET = '.safetensors'
_LOG_WIDTH = 160


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument(
        'source', help='a ticket, or a checkpoint of torchvision, OpenMMLab, MoCo, SimCLR …'
    )
    parser.add_argument(
        'config',
        help='of the target: a file, or a name such as mmdet::FOLDER/CONFIG.py; its '
        'lottery.targets says what may be pruned',
    )
    parser.add_argument('--out', metavar='FILE', help=f'the ticket to write, X{_TICKET}')
    parser.add_argument(
        '--dry-run', action='store_true', help='show what would be transferred; write nothing'
    )
    parser.add_argument('--force', action='store_true', help='replace the file --out')
    mapping = parser.add_argument_group('what is transferred')
    mapping.add_argument(
        '--map',
        nargs='+',
        default=[],
        metavar='SOURCE=TARGET',
        help='prefixes of names, as in encoder.=backbone.; the longest holds; default: names of '
        'known forms are recognised',
    )
    mapping.add_argument(
        '--values',
        choices=VALUES,
        default='trained',
        help="the source's trained values (default), those its training started from, or the "
        "target's own, so that only the mask is transferred",
    )
    mapping.add_argument(
        '--sparsity',
        type=float,
        metavar='S',
        help="prune the source's backbone in one shot, by magnitude, instead of taking its mask",
    )
    mapping.add_argument(
        '--depths',
        choices=DEPTHS,
        help='between ResNets of different depths: repeat blocks in a row or each where it is',
    )
    mapping.add_argument(
        '--heads', action='store_true', help='final predictors, mask and keypoint heads, too'
    )
    mapping.add_argument('--mask', metavar='FILE', help="the checkpoint's masks: 0 and 1 by name")
    mapping.add_argument(
        '--rewind-file',
        metavar='FILE',
        help='for --values initial; default for WORK_DIR/tickets/X: WORK_DIR/rewind.safetensors',
    )
    images = parser.add_argument_group('what images the source was trained on')
    images.add_argument(
        '--input',
        metavar='INPUT',
        help=f'{", ".join(INPUTS)}, or ORDER:MEAN:STD; default: as the ticket tells',
    )
    images.add_argument('--source-config', metavar='CONFIG', help='which tells the same')
    images.add_argument(
        '--any-input', action='store_true', help='go on where it is unknown or not the same'
    )
    target = parser.add_argument_group('target')
    target.add_argument(
        '--seed', type=int, help="of its initial weights; default: the config's, else 0"
    )
    target.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='changes of the config by dotted key, such as model.backbone.init_cfg=None',
    )


def run(options: argparse.Namespace) -> None:
    """Transfers, prints the table and what to do next."""
    _check(options)
    done = transfer(
        options.source,
        options.config,
        rules=options.map,
        values=options.values,
        sparsity=options.sparsity,
        depths=options.depths,
        heads=options.heads,
        mask=options.mask,
        rewind_file=options.rewind_file,
        input=options.input,
        source_config=options.source_config,
        any_input=True,  # judged below, after the table
        seed=options.seed,
        cfg_options=options.cfg_options,
        dry_run=options.dry_run,
    )
    print_transfer(Console(width=None if sys.stdout.isatty() else _LOG_WIDTH), done)
    problem = done.input_problem()
    if problem and not options.any_input:
        raise LotteryError(problem)
    if options.dry_run:
        return
    try:
        save_ticket(done.ticket, options.out)
    except OSError as error:
        raise LotteryError(f'{options.out}: {error}') from error
    size = Path(options.out).stat().st_size
    print(f'{options.out} written, {size:,} bytes; train it by')
    same = ' --cfg-options … (as here)' if options.cfg_options else ''
    print(f'  mmlth train {options.config} --ticket {options.out}{same}')


def _check(options: argparse.Namespace) -> None:
    """Refuses what cannot be meant, before anything is read."""
    if options.dry_run:
        return
    if options.out is None or Path(options.out).suffix != _TICKET:
        raise LotteryError(
            f'--out takes a name that ends in {_TICKET}, got {options.out}; or give --dry-run to '
            'write nothing'
        )
    out = Path(options.out)
    if not out.parent.is_dir():
        raise LotteryError(f'--out {out}: there is no folder {out.parent}; make it first')
    if out.exists():
        if Path(options.source).exists() and out.samefile(options.source):
            raise LotteryError(f'{out} is read from and cannot be written to; give another name')
        if not options.force:
            raise LotteryError(f'{out} exists; give another name, or --force to replace it')
