"""Blocks of four output channels, which share what they read when they are computed together."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from torch import Tensor
from torch.nn.functional import pad

from mmlth.pruning.allocation import Allocation, least_kept, with_floor
from mmlth.pruning.mask import Mask
from mmlth.pruning.patterns.whole_units import best_units

SIZE = 4
"""Output channels of a block."""


@dataclass(frozen=True)
class FourByOne:
    """Blocks of four consecutive output channels at one input channel and kernel position.

    Kernels for sparse weights load each input once for all four (Elsen et al., CVPR 2020,
    https://arxiv.org/abs/1911.09723). Of a linear layer it is four outputs at one input. The last
    block of a layer has fewer than four where its outputs are no multiple of four. Groups of a
    convolution have blocks of their own; depthwise ones so go weight by weight, ranked among the
    means of larger blocks. How blocks are chosen is said in `best_units`.

    Attributes:
        groups: The number of groups of grouped convolutions by name; see `grouped_weights`.
    """

    groups: Mapping[str, int] = field(default_factory=dict, hash=False)

    def with_groups(self, groups: Mapping[str, int]) -> 'FourByOne':
        """The same pattern for layers with these numbers of groups."""
        return replace(self, groups=groups)

    def __call__(
        self,
        mask: Mask,
        scores: Mapping[str, Tensor],
        keep: int,
        allocation: Allocation,
        floor: float,
    ) -> Mask:
        """Draws a mask of whole blocks.

        Args:
            mask: The current mask; blocks that are pruned in part already count for what is left.
            scores: A score for each weight, of its mask's shape; a block's is the mean.
            keep: The largest number of weights to keep. At most three less are kept where each
                group of each layer has a multiple of four outputs.
            allocation: Spreads that number over the layers.
            floor: The smallest share of a layer to keep, rounded up to whole blocks.

        Raises:
            PruningError: If the floor is out of range or impossible, or by ``allocation``.
        """
        layouts = {
            name: _Blocks(self.groups.get(name, 1), tuple(kept.shape))
            for name, kept in mask.items()
        }
        least = {
            # With so much room whole blocks reach the floor, whatever their sizes.
            name: min(count + layouts[name].size - 1, int(mask[name].count_nonzero()))
            for name, count in least_kept(mask, floor).items()
            if count
        }
        return best_units(mask, layouts, scores, keep, with_floor(allocation, least))


@dataclass(frozen=True)
class _Blocks:
    """The blocks of a layer of shape (outputs, inputs of a group, …)."""

    groups: int
    shape: tuple[int, ...]

    @property
    def outputs(self) -> int:
        """Number of outputs of a group."""
        return self.shape[0] // self.groups

    @property
    def size(self) -> int:
        """Number of weights of a whole block."""
        return min(SIZE, self.outputs)

    def rows(self, tensor: Tensor) -> Tensor:
        """(groups · outputs, …) → (groups · blocks · inputs and positions, size)."""
        grouped = tensor.reshape(self.groups, self.outputs, -1)
        filled = pad(grouped, (0, 0, 0, -self.outputs % self.size))
        return filled.unflatten(1, (-1, self.size)).transpose(2, 3).reshape(-1, self.size)

    def tensor(self, rows: Tensor) -> Tensor:
        """Back again."""
        blocks = -(-self.outputs // self.size)
        grouped = rows.reshape(self.groups, blocks, -1, self.size).transpose(2, 3).flatten(1, 2)
        return grouped[:, : self.outputs].reshape(self.shape)
