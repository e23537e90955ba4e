#!/usr/bin/env python
"""Makes a small data set of coloured shapes in COCO format; see mmlth.data.make_shapes."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from mmlth.data import make_shapes


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line ``argv`` (default: the process's); returns the exit code."""
    parser = argparse.ArgumentParser(
        description='Makes a set of coloured circles, squares and triangles in COCO format, with '
        'boxes, polygons and keypoints: ROOT/annotations/{train,val}.json and ROOT/images. The '
        'same options give the same files; a finished set is left alone.'
    )
    parser.add_argument('root', metavar='ROOT', type=Path, help='a new or empty folder')
    parser.add_argument('--train', type=int, default=200, metavar='N', help='pictures (200)')
    parser.add_argument('--val', type=int, default=50, metavar='N', help='pictures (50)')
    parser.add_argument(
        '--size',
        type=int,
        nargs=2,
        default=(128, 128),
        metavar=('WIDTH', 'HEIGHT'),
        help='pixels (128 128)',
    )
    parser.add_argument('--seed', type=int, default=0, metavar='S', help='(0)')
    args = parser.parse_args(argv)
    width, height = args.size
    try:
        make_shapes(args.root, args.train, args.val, (width, height), args.seed)
    except (ValueError, OSError) as error:
        print(f'shapes: {error}', file=sys.stderr)
        return 1
    print(f'{args.root}: {args.train} training and {args.val} validation pictures')
    return 0


if __name__ == '__main__':
    sys.exit(main())
