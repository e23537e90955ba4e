"""Where things lie in this repository, wherever a test lies."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
TESTS = ROOT / 'tests'
CONFIGS = ROOT / 'configs/lth'
DEMO = CONFIGS / 'mask_rcnn_tiny_shapes_imp.py'
