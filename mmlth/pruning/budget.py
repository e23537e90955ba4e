"""Budgets in multiply-adds: what weights cost is counted, and may count in their ranking."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from mmlth.pruning.allocation import keep_counts
from mmlth.pruning.errors import FloorError, PruningError
from mmlth.pruning.mask import Mask

Costs = Mapping[str, int]
"""The multiply-adds that one weight of each layer takes, by name; see `Macs.per_weight`."""


def kept_amount(mask: Mask, costs: Costs | None = None) -> int:
    """How much a mask keeps: weights, or the multiply-adds that they take.

    Args:
        mask: The mask.
        costs: What one weight of each layer costs; None: weights are counted.
    """
    if costs is None:
        return mask.kept
    return sum(int(kept.count_nonzero()) * costs[name] for name, kept in mask.items())


def amounts(sizes: Mapping[str, int], costs: Costs | None = None) -> dict[str, int]:
    """How much there is of each layer when it is dense: weights, or their multiply-adds.

    Args:
        sizes: The number of weights of each layer by name.
        costs: As for `kept_amount`.
    """
    return {name: size * (1 if costs is None else costs[name]) for name, size in sizes.items()}


def check_costs(costs: Costs, power: float, mask: Mask) -> None:
    """Refuses costs that are no whole numbers of at least 1, one for each layer of a mask.

    Args:
        costs: What one weight of each layer costs.
        power: The power of it that scores are divided by, from 0 to 1.
        mask: The mask.

    Raises:
        PruningError: If they are not, or the power is out of range.
    """
    if isinstance(power, bool) or not isinstance(power, (int, float)) or not 0 <= power <= 1:
        raise PruningError(f'cost_power must lie between 0 and 1, got {power!r}')
    for name in mask:
        cost = costs.get(name)
        if not isinstance(cost, int) or isinstance(cost, bool) or cost < 1:
            raise PruningError(
                f'the costs must tell for each weight its multiply-adds, a whole number of at '
                f'least 1; of {name!r} they tell {cost!r}'
            )


def over_costs(
    mask: Mask, scores: Mapping[str, Tensor], costs: Costs, power: float = 0.0
) -> dict[str, Tensor]:
    """The scores over a power of the costs, float64 on the CPU, so that equal ratios tie exactly.

    Args:
        mask: The current mask.
        scores: A score for each weight, of its mask's shape.
        costs: What one weight of each layer costs.
        power: The power of the costs that scores are divided by.

    Raises:
        PruningError: If a competing score is negative, for which less cost would be worse, and the
            power is not 0.
    """
    ratios = {}
    for name, kept in mask.items():
        own = scores[name].detach().to('cpu', torch.float64)
        if power and bool((own < 0).logical_and_(kept).any()):
            raise PruningError(
                f'scores are divided by the power {power} of what weights cost, so they must not '
                f'be negative, as one of {name!r} is; take another score, or the power 0'
            )
        ratios[name] = own / costs[name] ** power
    return ratios


def longest_ranking(
    mask: Mask, ratios: Mapping[str, Tensor], costs: Costs, budget: int, least: Mapping[str, int]
) -> Mask:
    """The longest part of a ranking of all layers whose multiply-adds do not exceed a budget.

    The result of `within_budget` with `global_allocation` and a floor, by a single sort.

    Args:
        mask: The current mask; only the weights that it keeps compete.
        ratios: What ranks each weight, as `over_costs` gives it; ties go to earlier positions.
        costs: What one weight of each layer costs.
        budget: The largest number of multiply-adds.
        least: The smallest number of weights of each layer, at most as many as it has left.

    Raises:
        PruningError: If those alone take more, or a competing ratio is NaN.
    """
    best = keep_counts(mask, ratios, least)
    left = budget - kept_amount(best, costs)
    _check_affordable(best, costs, budget)
    others = {name: (kept & ~best[name]).view(-1).nonzero().view(-1) for name, kept in mask.items()}
    values = torch.cat([ratios[name].reshape(-1)[places] for name, places in others.items()])
    if bool(values.isnan().any()):
        raise PruningError('a score is NaN: the training that it comes from has diverged')
    prices = torch.cat([torch.full_like(places, costs[name]) for name, places in others.items()])
    order = values.sort(descending=True, stable=True).indices
    paid = torch.zeros(len(order), dtype=torch.bool)
    paid[order] = prices[order].cumsum(0) <= left
    chosen = dict(zip(others, paid.split([len(places) for places in others.values()])))
    kept = {name: tensor.clone() for name, tensor in best.items()}
    for name, places in others.items():
        kept[name].view(-1)[places[chosen[name]]] = True
    return Mask(kept)


def within_budget(draw: Callable[[int], Mask], mask: Mask, costs: Costs, budget: int) -> Mask:
    """The mask of the largest number of weights whose multiply-adds do not exceed a budget.

    Where the masks of more weights hold those of fewer, as with a ranking of all layers, that is
    the longest part of the ranking that the budget pays for. One weight more, or one unit of the
    pattern, would exceed it.

    Args:
        draw: Draws the mask of a number of weights, from 0 to ``mask.kept``.
        mask: The current mask.
        costs: What one weight of each layer costs.
        budget: The largest number of multiply-adds.

    Raises:
        PruningError: If the floor alone takes more, or by ``draw``.
    """
    prices = [costs[name] for name, kept in mask.items() if kept.any()] or [1]
    # So many weights are within the budget whatever they are, and no more than so many can be.
    low, high = (min(mask.kept, budget // price) for price in (max(prices), min(prices)))
    try:
        best = draw(low)
    except FloorError as error:
        low, best = error.needed, draw(error.needed)
    at_low = kept_amount(best, costs)
    _check_affordable(best, costs, budget)
    if low >= high:
        return best
    most = draw(high)
    spare, over, moves = float(budget - at_low), float(kept_amount(most, costs) - budget), 0
    if over <= 0:
        return most
    # Regula falsi: where the line between both ends meets the budget. The longer an end stays where
    # it is, the less it counts, so that the other one reaches beyond (as by the Illinois method).
    while at_low < budget and high - low > 1:
        guess = low + int((high - low) * spare / (spare + over))
        guess = min(max(guess, low + 1), high - 1)
        drawn = draw(guess)
        taken = kept_amount(drawn, costs)
        if taken <= budget:
            moves = max(moves, 0) + 1
            best, low, at_low = drawn, guess, taken
            spare, over = budget - taken, over / 2 ** (moves - 1)
        else:
            moves = min(moves, 0) - 1
            high = guess
            over, spare = taken - budget, spare / 2 ** (-moves - 1)
    return best


def _check_affordable(least: Mask, costs: Costs, budget: int) -> None:
    """Refuses a budget that does not pay for the fewest weights that can be kept."""
    if (taken := kept_amount(least, costs)) > budget:
        raise PruningError(
            f'no fewer than {least.kept} weights can be kept, which take {taken} multiply-adds, '
            f'but only {budget} are to be kept; lower the floor or the sparsity'
        )
