"""The English pages of the site; shared_conf.py has what all languages share."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from shared_conf import *  # noqa: F403

language = 'en'
