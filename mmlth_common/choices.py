"""The choices that functions take, and defaults, which the command line shows in its help."""

from typing import Literal, TypeAlias, get_args

SPLITS = ('val', 'test')
"""The data that predictions are computed on."""

Formula: TypeAlias = Literal['paper', 'released']
FORMULAS: tuple[Formula, ...] = get_args(Formula)
"""Whose rules tell errors of keypoints apart: of the paper, or of its authors' released code."""

PARTS = ('features', 'network')
"""What of a model is exported."""
RUNTIMES = ('onnx', 'mnn')
"""What it is exported for: whatever reads ONNX, or MNN."""
OPSET = 17
"""The default of ONNX, from 2022, so that older runtimes read the file, too."""

VALUES = ('trained', 'initial', 'target')
"""What values a transferred ticket has."""
