"""What was measured of a network and its layers, and the table of that."""

from dataclasses import dataclass

from torch import nn

Shape = tuple[int, ...]

_NAME = 44
COLUMNS = f'{"layer":{_NAME}} {"input":>14} {"density":>7} {"dense ms":>9} {"sparse ms":>9}  choice'
"""The heading of the table."""


@dataclass(frozen=True)
class Layer:
    """A layer of an accelerated network.

    Attributes:
        name: Its name in the network that was given.
        shapes: The shapes of its inputs in one run of the network, on each example.
        density: The share of its weights that are kept.
        dense_ms: Milliseconds of the dense layer on these inputs.
        sparse_ms: Milliseconds of the sparse one; None if it was not tried.
        choice: 'sparse' or 'dense', as it is in the network that is returned.
        reason: Why it was not tried; '' if it was.
    """

    name: str
    shapes: tuple[Shape, ...]
    density: float
    dense_ms: float
    sparse_ms: float | None
    choice: str
    reason: str

    def __str__(self) -> str:
        """A line of the table."""
        name = self.name if len(self.name) <= _NAME else f'…{self.name[1 - _NAME :]}'
        sizes = list(dict.fromkeys(self.shapes))
        size = '×'.join(map(str, sizes[0][1:])) + (f' +{len(sizes) - 1}' if len(sizes) > 1 else '')
        sparse = '' if self.sparse_ms is None else f'{self.sparse_ms:.3f}'
        choice = self.choice + (f' ({self.reason})' if self.reason else '')
        return (
            f'{name:{_NAME}} {size:>14} {self.density:>7.1%} {self.dense_ms:>9.3f} {sparse:>9}  '
            f'{choice}'
        )


@dataclass(frozen=True)
class Acceleration:
    """A network, and what was measured.

    Attributes:
        model: The fastest form of the network; the one that was given stays as it is.
        layers: Its convolutions and linear layers.
        dense_ms: Milliseconds of the network that was given, on the examples.
        model_ms: Milliseconds of ``model``.
        choice: What ``model`` is: 'sparse' (with the layers that gain), or what is faster as a
            whole: 'dense' or 'dense, channels last', both with norms and activations merged, or
            'given'.
        no_sparse: Why there was no sparse form to compare with; '' if there was one.
    """

    model: nn.Module
    layers: tuple[Layer, ...]
    dense_ms: float
    model_ms: float
    choice: str
    no_sparse: str = ''

    def __str__(self) -> str:
        """A table with a line a layer."""
        return '\n'.join([COLUMNS, *map(str, self.layers), self.summary()])

    def summary(self) -> str:
        """The last line of the table."""
        count = sum(layer.choice == 'sparse' for layer in self.layers)
        gain = self.dense_ms / self.model_ms
        chosen = (
            f'{count} of {len(self.layers)} layers sparse'
            if self.choice == 'sparse'
            else f'{self.choice}, {self.no_sparse or "which is faster as a whole"}'
        )
        return (
            f'the network: {self.dense_ms:.1f} ms as given, {self.model_ms:.1f} ms '
            f'accelerated ({gain:.2f}×): {chosen}'
        )
