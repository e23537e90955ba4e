"""Residual blocks whose addition and last activation are merged into their last convolution."""

import torch
from torch import Tensor, nn

from mmlth.runtime.activations import RELU
from mmlth.runtime.layers import DenseLayer


class ResidualBlock(nn.Module):
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


def merged(block: nn.Module, shape: tuple[int, ...]) -> ResidualBlock | None:
    """A block of a ResNet in which the addition is merged into the last convolution.

    Args:
        block: The block, whose norms were merged into its convolutions; it stays as it is.
        shape: Shape of an input to try it on.

    Returns:
        None if it is no such block, or if it computes something else.
    """
    names = _convolutions(block)
    if names is None:
        return None
    convolutions: list[nn.Module] = [DenseLayer(getattr(block, name), RELU) for name in names]
    new = ResidualBlock(convolutions, getattr(block, 'downsample', None))
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected, computed = block(x.clone()), new(x.clone())
    return new if torch.allclose(expected, computed, rtol=1e-4, atol=1e-5) else None


def _convolutions(block: nn.Module) -> list[str] | None:
    """Their names; torchvision, MMDetection and MMPose name the parts of blocks alike."""
    if type(block).__name__ not in ('BasicBlock', 'Bottleneck'):
        return None
    names = [
        name
        for name, module in block.named_children()
        if not isinstance(module, (nn.Identity, nn.ReLU)) and name != 'downsample'
    ]
    convolutions = [name for name in names if isinstance(getattr(block, name), nn.Conv2d)]
    return names if names and names == convolutions else None
