"""How a convolution moves over its input."""

from dataclasses import dataclass

Pair = tuple[int, int]
"""Something of rows and of columns."""


@dataclass(frozen=True)
class Geometry:
    """Stride, padding with zeros and dilation of a convolution, each of rows and of columns."""

    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)

    def output_size(self, kernel: Pair, size: Pair) -> Pair:
        """Height and width of the output.

        Args:
            kernel: Height and width of the kernel.
            size: Height and width of the input.
        """
        height, width = (
            (extent + 2 * padding - dilation * (reach - 1) - 1) // stride + 1
            for extent, padding, dilation, reach, stride in zip(
                size, self.padding, self.dilation, kernel, self.stride
            )
        )
        return height, width
