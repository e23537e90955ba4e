"""``mmlth branch``: train a control of a search, or other settings, without its dense round."""

import argparse

from mmlth_cli.completion import completed_by
from mmlth_cli.key_values import KeyValues
from mmlth_cli.options import add_cfg_options, add_launcher, add_lottery

CONTROLS = (
    'complement',
    'data_order',
    'long_dense',
    'noise',
    'permuted',
    'random',
    'random_layerwise',
    'reinit',
)
METHODS = ('ac_dc', 'gradual', 'rigl', 'set')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument('work_dir', help='of the search')
    control = parser.add_argument(
        'control',
        nargs='?',
        help=f'a control: {", ".join(CONTROLS)}, or one of your own; a method that prunes while '
        f'training: {", ".join(METHODS)}; none: a search with other settings, given by the '
        'options below',
    )
    completed_by(control, lambda **_: [*CONTROLS, *METHODS])
    parser.add_argument('--name', help='the branch goes to WORK_DIR/branches/NAME')
    parser.add_argument('--label', help='its line in reports, which branches may share')
    parser.add_argument(
        '--tickets',
        nargs='+',
        type=int,
        metavar='ROUND',
        help='the rounds whose tickets get the control, or whose sparsities the method trains; '
        'default: all pruned ones',
    )
    parser.add_argument(
        '--control-options',
        nargs='+',
        action=KeyValues,
        metavar='KEY=VALUE',
        help='of the control or method, such as share=0.2 of noise',
    )
    parser.add_argument(
        '--seed', type=int, default=0, help='another one draws other masks, weights or orders'
    )
    parser.add_argument(
        '--length',
        metavar='TIMES',
        help='how many times as long rounds train as those of the search, the schedule stretched, '
        'such as 2; search: each as long as all rounds of the search together',
    )
    add_cfg_options(parser)
    add_lottery(parser)
    parser.add_argument('--resume', action='store_true', help='continue the branch, if it is there')
    add_launcher(parser)
