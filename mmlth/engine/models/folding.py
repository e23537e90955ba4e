"""Batch norm merged into the convolutions before it, as runtimes do when they load a network."""

import copy

from torch import nn


def folded(model: nn.Module) -> nn.Module:
    """A copy whose batch norms are merged into the convolutions that are declared before them.

    What it computes in evaluation mode is the same but for rounding, if these convolutions are
    also those that run before them; whoever folds must compare.

    Args:
        model: The model, in evaluation mode; it stays as it is.
    """
    from mmcv.cnn.utils import fuse_conv_bn

    return fuse_conv_bn(copy.deepcopy(model))
