"""``mmlth transfer``: make a ticket, or pre-trained weights, a ticket of another model."""

import argparse

from mmlth_cli.completion import completed_by, configs_to_read
from mmlth_cli.options import add_cfg_options
from mmlth_common.choices import VALUES

DEPTHS = ('append', 'interpolate')
INPUTS = ('torchvision', 'caffe', 'bgr-imagenet', 'rgb-0-1', 'bgr-0-255')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument(
        'source', help='a ticket, or a checkpoint of torchvision, OpenMMLab, MoCo, SimCLR …'
    )
    config = parser.add_argument(
        'config',
        help='of the target: a file, or a name such as mmdet::FOLDER/CONFIG.py; its '
        'lottery.targets says what may be pruned',
    )
    completed_by(config, configs_to_read)
    parser.add_argument('--out', metavar='FILE', help='the ticket to write, X.safetensors')
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
        help=f'{", ".join(INPUTS)}, or ORDER:MEAN:STD; default: as the ticket says',
    )
    images.add_argument('--source-config', metavar='CONFIG', help='which says the same')
    images.add_argument(
        '--any-input', action='store_true', help='go on where it is unknown or not the same'
    )
    target = parser.add_argument_group('target')
    target.add_argument(
        '--seed', type=int, help="of its initial weights; default: the config's, else 0"
    )
    add_cfg_options(target, 'model.backbone.init_cfg=None')
