"""``mmlth convert``: turn tickets into checkpoints, and checkpoints of others into tickets."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument(
        'source',
        help='a ticket (.safetensors), or a checkpoint (any other name) of OpenMMLab, '
        'torch.nn.utils.prune, MoCo, open_lth …; masks may be an entry of it, such as masks or '
        'pruner.masks; without masks its zeros are taken for pruned',
    )
    parser.add_argument(
        'destination', help='X.safetensors: a ticket; X.pth: a dense checkpoint of a ticket'
    )
    parser.add_argument(
        '--mask',
        metavar='FILE',
        help="the checkpoint's masks: 0 and 1 by name, or an entry of those",
    )
    parser.add_argument(
        '--values',
        choices=['float16', 'bfloat16'],
        help='store kept weights in this type; loses bits',
    )
    parser.add_argument('--without-weights', action='store_true', help='store the mask alone')
    parser.add_argument(
        '--embed-initial',
        nargs='?',
        const='',
        metavar='REWIND_FILE',
        help='store also what the ticket was trained from; '
        'default for WORK_DIR/tickets/X: WORK_DIR/rewind.safetensors',
    )
    parser.add_argument('--force', action='store_true', help='replace DESTINATION')
