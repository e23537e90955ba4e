"""The Chinese pages of the site; shared_conf.py has what all languages share."""

import sys
from pathlib import Path

import jieba

sys.path.insert(0, str(Path(__file__).parents[1]))

from shared_conf import *  # noqa: F403

language = 'zh_CN'

# The site's search finds words, which jieba cuts sentences into; these it does not know.
jieba.setLogLevel('WARNING')
for word in ('稀疏度', '对照实验', '随机种子'):
    jieba.add_word(word)
