"""``python -m mmlth``."""

import sys

from mmlth.cli import main

if __name__ == '__main__':
    sys.exit(main())
