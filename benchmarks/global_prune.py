"""Times one global prune of Mask R-CNN R50's 44 million weights by mmlth and its alternatives.

Every method starts from the same weights and the same mask, and ends with a mask for each layer.
The copies of the weights that torch's method needs, since it works in place, are made before the
clock starts.

    python benchmarks/global_prune.py --repeats 5
"""

import argparse
import os
from collections.abc import Callable, Mapping
from functools import partial

import torch
from detectors import MASK_RCNN, build
from memory import in_own_process, peak_memory
from rich.console import Console
from rich.table import Table
from side_by_side import measure, ratio, surroundings
from torch import Tensor, nn
from torch.nn.utils import prune as torch_prune

from mmlth.pruning import Mask, find_targets, prune

Weights = dict[str, Tensor]
Drawn = Mapping[str, Tensor]
Method = Callable[[Weights, Mask, int], Callable[[], Drawn]]


def by_mmlth(weights: Weights, mask: Mask, keep: int) -> Callable[[], Drawn]:
    """`mmlth.prune`."""
    return lambda: prune(weights, mask, keep=keep)


def by_torch(weights: Weights, mask: Mask, keep: int) -> Callable[[], Drawn]:
    """`torch.nn.utils.prune.global_unstructured` with magnitudes, on copies of the weights."""
    layers = {name: nn.Module() for name in weights}
    for name, layer in layers.items():
        layer.weight = nn.Parameter(weights[name].clone())
        if mask.kept < mask.total:
            torch_prune.custom_from_mask(layer, 'weight', mask[name])

    def run() -> Drawn:
        parameters = [(layer, 'weight') for layer in layers.values()]
        method = torch_prune.L1Unstructured
        torch_prune.global_unstructured(parameters, method, amount=mask.kept - keep)
        return {name: layer.get_buffer('weight_mask') for name, layer in layers.items()}

    return run


def by_selection(
    weights: Weights, mask: Mask, keep: int, select: Callable[[Tensor, int], Tensor]
) -> Callable[[], Drawn]:
    """What one writes by hand: one long tensor of scores, and ``select`` says which to keep."""

    def run() -> Drawn:
        scores = torch.cat([weights[name][kept].abs() for name, kept in mask.items()])
        chosen = torch.zeros(len(scores), dtype=torch.bool)
        chosen[select(scores, keep)] = True
        pieces = chosen.split([int(kept.count_nonzero()) for kept in mask.values()])
        return {
            name: torch.zeros_like(kept).masked_scatter_(kept, piece)
            for (name, kept), piece in zip(mask.items(), pieces)
        }

    return run


def _sorted(scores: Tensor, keep: int) -> Tensor:
    return scores.sort(descending=True, stable=True).indices[:keep]


def _topk(scores: Tensor, keep: int) -> Tensor:
    return scores.topk(keep).indices


METHODS: dict[str, Method] = {
    'mmlth.prune': by_mmlth,
    'torch global_unstructured': by_torch,
    'sort': partial(by_selection, select=_sorted),
    'topk': partial(by_selection, select=_topk),
}


def main() -> None:
    """Measures and prints a table for either start."""
    options = parse_options()
    if options.threads:
        torch.set_num_threads(options.threads)
    console = Console(width=110)
    weights = detector_weights()
    for start in (0.0, 0.5):
        console.print(compare(weights, start, options))
    check_ties(weights, options.sparsity)
    console.print('Weights rounded to few values: counts exact, mmlth and the stable sort agree.')
    console.print(surroundings())


def compare(weights: Weights, start: float, options: argparse.Namespace) -> Table:
    """Times all methods from the mask of sparsity ``start`` on, and checks what they drew."""
    mask = prune(weights, sparsity=start)
    keep = mask.total - round(mask.total * options.sparsity)
    results: dict[str, Drawn] = {}

    def prepared(name: str) -> Callable[[], None]:
        run = METHODS[name](weights, mask, keep)
        return lambda: results.update({name: run()})

    samples = measure({name: partial(prepared, name) for name in METHODS}, options.repeats)
    masks = {name: as_mask(result) for name, result in results.items()}
    counts = {name: result.kept for name, result in masks.items()}
    assert set(counts.values()) == {keep}, f'{keep} were to be kept, but {counts}'
    assert masks['mmlth.prune'] == masks['sort'], 'mmlth kept other weights than a stable sort'

    table = Table(
        title=f'{mask.total:,} weights, from {start:.0%} to {options.sparsity:.0%} sparsity'
    )
    for column in ('method', 'time', 'time / mmlth', '95 % interval', 'CPU time / mmlth', 'memory'):
        table.add_column(column, justify='left' if column == 'method' else 'right')
    for name in METHODS:
        wall, cpu = (samples[clock] for clock in ('wall', 'CPU'))
        middle, low, high = ratio(wall[name], wall['mmlth.prune'])
        work, _, _ = ratio(cpu[name], cpu['mmlth.prune'])
        seconds = torch.tensor(wall[name]).median()
        memory = in_own_process(memory_of, name, start, options.sparsity)
        table.add_row(
            name,
            f'{seconds:.2f} s',
            f'{middle:.1f}',
            f'{low:.1f} – {high:.1f}',
            f'{work:.1f}',
            f'{memory:.1f} B a weight',
        )
    return table


def check_ties(weights: Weights, sparsity: float) -> None:
    """Almost every weight ties with millions of others: the count must still be exact."""
    few = {name: (weight / weight.std()).round() for name, weight in weights.items()}
    mask = Mask.dense(few)
    keep = mask.total - round(mask.total * sparsity)
    masks = {name: as_mask(METHODS[name](few, mask, keep)()) for name in METHODS}
    assert all(result.kept == keep for result in masks.values())
    assert masks['mmlth.prune'] == masks['sort'], 'mmlth kept other weights than a stable sort'


def memory_of(name: str, start: float, sparsity: float) -> float:
    """Bytes a weight that a method needs at its peak; the result counts, the input does not."""
    weights = detector_weights()
    mask = prune(weights, sparsity=start)
    run = METHODS[name](weights, mask, mask.total - round(mask.total * sparsity))
    peak, result = peak_memory(run)
    return peak / as_mask(result).total


def as_mask(result: Drawn) -> Mask:
    """What a method drew, in a form that can be compared."""
    return Mask({name: tensor.bool() for name, tensor in result.items()})


def detector_weights() -> Weights:
    """The random weights of all convolutions and linear layers of Mask R-CNN R50."""
    torch.manual_seed(0)
    targets = find_targets(build(MASK_RCNN)[0], predictors=True, frozen=True)
    return {target.name: target.parameter.detach() for target in targets}


def parse_options() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--repeats', type=int, default=5)
    parser.add_argument('--sparsity', type=float, default=0.8)
    parser.add_argument('--threads', type=int, help='number of threads (default: as torch likes)')
    return parser.parse_args()


if __name__ == '__main__':
    # For the processes that measure memory; see `in_own_process`.
    os.environ['MALLOC_MMAP_THRESHOLD_'] = str(2**20)
    main()
