"""Warnings of layers that a round prunes away, or next to."""

from collections.abc import Iterable

from mmlth.engine.state import Search
from mmlth.messages import join_names
from mmlth.pruning import Mask, starved


def warn_of_lost_layers(search: Search, index: int, before: Mask, mask: Mask) -> None:
    """Warns of layers that lose every weight, or next to all of them, in this round.

    Args:
        search: The search.
        index: The round.
        before: The mask of the round before, whose losses were warned of then.
        mask: The mask of the round.
    """
    logger, floor = search.runner.logger, search.settings.floor
    lost = [name for name, kept in mask.items() if before[name].any() and not kept.any()]
    if lost:
        logger.warning(
            f'round {index} prunes every weight of {join_names(lost)} ({_share(mask, lost):.1%} '
            'of the prunable weights): where no other path passes a layer, the model learns '
            'nothing from here on; lottery.floor keeps some of each layer'
        )
    known, poor = _starved(before, floor), _starved(mask, floor)
    if new := {name: density for name, density in poor.items() if name not in known}:
        share = _share(mask, new)
        logger.warning(
            f'round {index} keeps {1 - mask.sparsity:.1%} of the prunable weights, but next to '
            f'nothing of {len(new)} layers, which are {share:.1%} of them: '
            f'{join_names(f"{name} ({density:.2%})" for name, density in new.items())}; a higher '
            'lottery.floor, another lottery.allocation or another lottery.score spares them'
        )


def _starved(mask: Mask, floor: float) -> dict[str, float]:
    counts = {name: (int(kept.count_nonzero()), kept.numel()) for name, kept in mask.items()}
    return starved(counts, floor)


def _share(mask: Mask, names: Iterable[str]) -> float:
    return sum(mask[name].numel() for name in names) / mask.total
