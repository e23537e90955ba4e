"""Residual blocks whose addition and last activation are merged into their last convolution."""

import torch
from torch import Tensor, nn

from mmlth.runtime.activations import IDENTITY, RELU
from mmlth.runtime.layers import DenseLayer
from mmlth.runtime.merged import Accelerated, Merged
from mmlth.runtime.observation import has_hooks


class ResidualBlock(Accelerated):
    """Convolutions, each with its activation, the last of them after the block's input is added.

    Args:
        convolutions: In the order in which they run.
        downsample: What the block's input goes through before it is added, or None.
    """

    def __init__(self, convolutions: list[nn.Module], downsample: nn.Module | None) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(convolutions)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        """Computes the block."""
        other = x if self.downsample is None else self.downsample(x)
        *before, last = self.convolutions
        for convolution in before:
            x = convolution(x)
        return last(x, other)


def residual_block(block: nn.Module, shape: tuple[int, ...]) -> ResidualBlock | None:
    """A block of a ResNet in which the addition is merged into the last convolution.

    Args:
        block: The block, whose norms were merged into its convolutions; it stays as it is.
        shape: Shape of an input to try it on.

    Returns:
        None if it is no such block, or if it computes something else.
    """
    convolutions = _convolutions(block)
    if not convolutions or any(map(has_hooks, block.modules())):
        return None
    new = ResidualBlock(
        [DenseLayer(convolution, RELU) for convolution in convolutions],
        getattr(block, 'downsample', None),
    )
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    try:
        with torch.no_grad():
            expected, computed = block(x.clone()), new(x.clone())
        alike = torch.allclose(expected, computed, rtol=1e-4, atol=1e-5)
    except Exception:  # a block of the same name takes, gives and raises what it likes
        return None
    return new if alike else None


def _convolutions(block: nn.Module) -> list[nn.Module]:
    """A block's convolutions; torchvision, MMDetection and MMPose name the parts alike."""
    if type(block).__name__ not in ('BasicBlock', 'Bottleneck'):
        return []
    parts = [
        module
        for name, module in block.named_children()
        if not isinstance(module, (nn.Identity, nn.ReLU, Merged)) and name != 'downsample'
    ]
    merged: list[nn.Module] = [
        part.layer
        for part in parts
        if isinstance(part, DenseLayer)
        and isinstance(part.layer, nn.Conv2d)
        and part.activation == IDENTITY
    ]
    return merged if len(merged) == len(parts) else []
