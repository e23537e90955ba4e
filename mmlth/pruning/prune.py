"""One pruning step: from trained weights and a mask to the next mask."""

from collections.abc import Mapping

from torch import Tensor

from mmlth.pruning.allocation import Allocation, global_allocation, least_kept
from mmlth.pruning.budget import (
    Costs,
    amounts,
    check_costs,
    kept_amount,
    longest_ranking,
    over_costs,
    within_budget,
)
from mmlth.pruning.errors import PruningError
from mmlth.pruning.kept_counts import geometric_steps
from mmlth.pruning.mask import Mask
from mmlth.pruning.patterns import Pattern, inward, outward, unstructured
from mmlth.pruning.score_inputs import Network, ScoreInputs
from mmlth.pruning.scores import Score, magnitude, needs_of


def prune(
    weights: Mapping[str, Tensor],
    mask: Mask | None = None,
    *,
    keep: int | None = None,
    sparsity: float | None = None,
    score: Score = magnitude,
    allocation: Allocation = global_allocation,
    pattern: Pattern = unstructured,
    floor: float = 0.0,
    start: Mapping[str, Tensor] | None = None,
    network: Network | None = None,
    seed: int = 0,
    transposed: Mapping[str, int] | None = None,
    groups: Mapping[str, int] | None = None,
    costs: Costs | None = None,
    cost_power: float = 0.0,
) -> Mask:
    """Draws a new mask, a subset of ``mask``, from trained weights.

    Args:
        weights: Trained weights by parameter name; those that ``mask`` does not name are not
            pruned, but scores that evaluate the network do so with them.
        mask: The current mask; by default one that keeps every weight of ``weights``.
        keep: Number of weights to keep, with ``costs`` of multiply-adds, or
        sparsity: the share of all prunable weights, or multiply-adds, to have removed, in [0, 1].
        score: Ranks the weights; see `mmlth.pruning.scores`.
        allocation: Spreads the number over the layers; see `mmlth.pruning.allocation`.
        pattern: The shape in which weights are removed; see `mmlth.pruning.patterns`.
        floor: The smallest share of a layer that is kept, at least one weight if it is not 0.
        start: The weights that training starts from, for scores that look at them.
        network: The network, for scores that evaluate it.
        seed: The seed of scores that draw random numbers.
        transposed: Which weights are of transposed convolutions; see `transposed_weights`. Patterns
            need it.
        groups: Which weights are of grouped convolutions; see `grouped_weights`. The pattern
            ``'4x1'`` needs it.
        costs: The multiply-adds that one weight of each layer takes, by name; see
            `Macs.per_weight`. With them multiply-adds are counted in place of weights.
        cost_power: From 0 to 1: the power of the costs that scores are divided by; 0 ranks by the
            score alone, 1 by the score for each multiply-add, which prunes large maps first.

    Returns:
        The new mask; ``mask`` and ``weights`` are unchanged. It keeps exactly as many weights as
        asked for, or fewer where the pattern removes whole units. With ``costs`` it keeps as many
        as can be paid for: one more would take more multiply-adds than asked for.

    Raises:
        PruningError: If not exactly one of ``keep`` and ``sparsity`` is given, if more is asked for
            than the mask keeps, if a weight is missing or of another shape, if it is NaN, or if
            score, allocation, pattern or costs lack something or do not fit.

    Example:
        >>> import torch
        >>> prune({'w': torch.tensor([3.0, -1.0, 2.0, 1.0])}, keep=3)['w'].tolist()
        [True, True, True, False]
    """
    if (keep is None) == (sparsity is None):
        raise PruningError(f'give either keep or sparsity, got keep={keep} and sparsity={sparsity}')
    mask = Mask.dense(weights) if mask is None else mask
    for name, kept in mask.items():
        if name not in weights:
            raise PruningError(f'the mask names {name!r}, which the weights lack')
        _check_shape(name, kept, weights[name], 'weight')
    if costs is not None:
        check_costs(costs, cost_power, mask)
    if sparsity is not None:
        total = sum(amounts({name: k.numel() for name, k in mask.items()}, costs).values())
        keep = total - round(total * sparsity)
    keep, left = int(keep or 0), kept_amount(mask, costs)
    if not 0 <= keep <= left:
        what = 'weights' if costs is None else 'multiply-adds'
        raise PruningError(f'cannot keep {keep} {what} of the {left} that the mask keeps')
    inputs = ScoreInputs(weights, mask, start, network, seed).limited_to(needs_of(score))
    if groups and hasattr(pattern, 'with_groups'):
        pattern = pattern.with_groups(groups)
    draw = _outputs_first(pattern, transposed or {})
    for count in geometric_steps(left, keep, getattr(score, 'iterations', 1)):
        scores = score(inputs.under(mask))
        _check_scores(scores, mask)
        # A pattern of whole units may have left less than the step before was to keep.
        count = min(count, kept_amount(mask, costs))
        if costs is None:
            mask = draw(mask, scores, count, allocation, floor)
            continue
        ratios = over_costs(mask, scores, costs, cost_power)
        if pattern is unstructured and allocation is global_allocation:
            mask = longest_ranking(mask, ratios, costs, count, least_kept(mask, floor))
        else:

            def drawn(
                number: int, mask: Mask = mask, ratios: Mapping[str, Tensor] = ratios
            ) -> Mask:
                return draw(mask, ratios, number, allocation, floor)

            mask = within_budget(drawn, mask, costs, count)
    return mask


def _outputs_first(pattern: Pattern, transposed: Mapping[str, int]) -> Pattern:
    """The pattern, which is given the weights of transposed convolutions turned round."""
    if pattern is unstructured or not transposed:
        return pattern

    def turned(
        mask: Mask, scores: Mapping[str, Tensor], keep: int, allocation: Allocation, floor: float
    ) -> Mask:
        turned_mask = pattern(
            Mask(outward(mask, transposed)), outward(scores, transposed), keep, allocation, floor
        )
        return Mask(inward(turned_mask, transposed))

    return turned


def _check_scores(scores: Mapping[str, Tensor], mask: Mask) -> None:
    for name, kept in mask.items():
        if name not in scores:
            raise PruningError(f'the score lacks {name!r}')
        _check_shape(name, kept, scores[name], 'score')


def _check_shape(name: str, kept: Tensor, tensor: Tensor, what: str) -> None:
    if tensor.shape != kept.shape:
        raise PruningError(
            f'the mask of {name!r} has shape {tuple(kept.shape)}, the {what} {tuple(tensor.shape)}'
        )
