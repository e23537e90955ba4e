"""``python -m mmlth``."""

import sys

from mmlth_cli.main import main

if __name__ == '__main__':
    sys.exit(main())
