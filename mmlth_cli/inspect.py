"""``mmlth inspect``: print what a ticket is like, or what changed from one ticket to another."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument(
        'ticket', metavar='TICKET', help='such as WORK_DIR/tickets/round_08.safetensors'
    )
    parser.add_argument('second', metavar='TICKET2', nargs='?', help='one to compare it with')
    parser.add_argument(
        '--json',
        nargs='?',
        const='-',
        metavar='FILE',
        help='write the numbers as JSON to FILE, or instead of the tables',
    )
    parser.add_argument(
        '--plot', metavar='FILE', help='draw the densities of the layers: .png, .svg'
    )
    parser.add_argument(
        '--input-size',
        nargs=2,
        metavar=('H', 'W'),
        help='count the MACs for an image of this height and width in pixels',
    )
    parser.add_argument(
        '--config', help='of the model whose MACs are counted, by default the one in the ticket'
    )
