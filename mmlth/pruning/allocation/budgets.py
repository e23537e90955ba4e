"""A sparsity for each part of the network."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from torch import Tensor

from mmlth.pruning.allocation.allocation import Allocation
from mmlth.pruning.allocation.proportions import share_out
from mmlth.pruning.allocation.ranking import global_allocation
from mmlth.pruning.errors import PruningError
from mmlth.pruning.mask import Mask


@dataclass(frozen=True)
class Budgets:
    """A final sparsity for each module that is named; the others stay dense.

    On the way there one exponent t holds for all: module m keeps nₘ·(1 − sₘ)ᵗ weights, t being
    such that the total is right. So all arrive together, and geometrically.

    Attributes:
        modules: Final sparsities in [0, 1) by module path (``backbone``, ``backbone.layer1``). Of
            several that a weight is in, the longest path counts.
        within: How the number is spread over the layers of a module.
    """

    modules: Mapping[str, float]
    within: Allocation = field(default=global_allocation)

    def __post_init__(self) -> None:
        if not isinstance(self.modules, Mapping) or not self.modules:
            raise PruningError(
                f'budgets must be sparsities by module, such as backbone=0.9, got {self.modules!r}'
            )
        for module, value in self.modules.items():
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1:
                raise PruningError(
                    f'the budget of {module!r} must be a sparsity from 0 to below 1, got {value!r}'
                )

    def kept(self, sizes: Mapping[str, int]) -> int:
        """Number of weights that are left in the end.

        Args:
            sizes: Number of weights of each layer by name.

        Raises:
            PruningError: If a module has no prunable weight.
        """
        return sum(last for _, last in self._ends(sizes).values())

    def with_inner(self, change: Callable[[Allocation], Allocation]) -> 'Budgets':
        """The same budgets, spread within a module by ``change(self.within)``."""
        return replace(self, within=change(self.within))

    def __call__(self, mask: Mask, scores: Mapping[str, Tensor], keep: int) -> Mask:
        """Spreads a number of weights over modules and layers.

        Args:
            mask: The current mask; only the weights that it keeps compete.
            scores: A score for each weight, of its mask's shape.
            keep: Number of weights to keep.

        Raises:
            PruningError: If ``keep`` is too much or too little for the budgets, or by ``within``.
        """
        if not 0 <= keep <= mask.kept:
            raise PruningError(f'cannot keep {keep} weights of the {mask.kept} that the mask keeps')
        ends = self._ends({name: kept.numel() for name, kept in mask.items()})
        dense = sum(first for first, last in ends.values() if first == last)
        if keep < dense:
            raise PruningError(
                f'the budgets leave {dense} weights dense, but {keep} are to be kept'
            )
        parts = {
            module: Mask(
                {name: kept for name, kept in mask.items() if self._module(name) == module}
            )
            for module in ends
        }
        for module, (first, last) in ends.items():
            if first == last > parts[module].kept:
                raise PruningError(
                    f'the budgets leave {module or "some weights"} dense, where the mask or the '
                    'pattern does not; give each part a budget, or exclude what stays dense'
                )
        shares = _on_the_way(list(ends.values()), keep)
        counts = share_out(keep, shares, [part.kept for part in parts.values()])
        kept: dict[str, Tensor] = {}
        for part, count in zip(parts.values(), counts):
            kept.update(self.within(part, scores, count))
        return Mask({name: kept[name] for name in mask})

    def _ends(self, sizes: Mapping[str, int]) -> dict[str, tuple[int, int]]:
        """The number of weights of each module, at first and in the end; '' is all the rest."""
        totals = dict.fromkeys(self.modules, 0)
        for name, size in sizes.items():
            module = self._module(name)
            totals[module] = totals.get(module, 0) + size
        for module, total in totals.items():
            if not total:
                known = dict.fromkeys(name.partition('.')[0] for name in sizes)
                raise PruningError(
                    f'the budget of {module!r} is for no prunable weight; there are some in '
                    f'{", ".join(known)}'
                )
        return {
            module: (total, max(1, total - round(total * self.modules.get(module, 0))))
            for module, total in totals.items()
        }

    def _module(self, name: str) -> str:
        """The longest path among the budgets that leads to the weight; '' if none does."""
        fitting = [module for module in self.modules if f'{name}.'.startswith(f'{module}.')]
        return max(fitting, key=len, default='')


def _on_the_way(ends: list[tuple[int, int]], keep: int) -> list[Fraction]:
    """nₘ·(lₘ / nₘ)ᵗ for each module, t being such that they sum to ``keep`` at best."""
    if keep == sum(last for _, last in ends):
        return [Fraction(last) for _, last in ends]

    def at(exponent: float) -> list[float]:
        return [first * (last / first) ** exponent for first, last in ends]

    low, high = 0.0, 1.0
    while sum(at(high)) > keep and high < 2**20:
        low, high = high, high * 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(at(middle)) > keep else (low, middle)
    return [Fraction(share) for share in at(high)]
