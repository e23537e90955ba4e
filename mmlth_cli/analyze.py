"""``mmlth analyze``: what models find, miss and confuse, their masks and cost, side by side."""

import argparse

from mmlth_cli.options import add_config
from mmlth_common.choices import FORMULAS, SPLITS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.epilog = (
        'Predictions are computed once a model and kept in WORK_DIR/predictions, by the hash of '
        'weights, settings and data.'
    )
    add_config(parser)
    parser.add_argument(
        'models',
        nargs='+',
        metavar='MODEL',
        help='tickets or checkpoints; the first is what others are compared with: the dense one',
    )
    parser.add_argument('--names', nargs='+', help='of the models; default: those of their files')
    parser.add_argument('--split', choices=SPLITS, default='val', help='default: val')
    parser.add_argument(
        '--keypoint-formula',
        choices=FORMULAS,
        default='paper',
        help='which rules tell errors of keypoints apart and correct them: those that Ronchi and '
        'Perona (2017) write down (default), or those of their released code',
    )
    parser.add_argument('--work-dir', help='default: work_dirs/CONFIG_analyze')
