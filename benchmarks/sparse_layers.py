"""Times sparse convolutions beside dense ones at the shapes of a ResNet at 512×512.

A layer's form is chosen as `mmlth.accelerate` does it; then it runs in turns with PyTorch's, by
oneDNN, in both memory formats, one image at a time; as PyTorch calls it, which orders the weights
anew in each call. The weights are random, and so are their places. The roofline is what the machine
could do: the kept multiply-adds at the highest rate that a dense layer reached in this run, or
reading the input and writing the output once at the rate of a copy, whichever takes longer.

    python benchmarks/sparse_layers.py --threads 1 --out sparse_layers.csv
"""

import argparse
import copy
import csv
import itertools
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from side_by_side import measure, ratio, surroundings
from torch import Tensor, nn

from mmlth.runtime import tuning

SHAPES = (  # input channels, output channels, kernel, side of the image
    (64, 64, 3, 128),
    (128, 128, 3, 64),
    (256, 256, 3, 32),
    (512, 512, 3, 16),
    (64, 256, 1, 128),
    (256, 64, 1, 128),
    (128, 512, 1, 64),
    (512, 128, 1, 64),
    (256, 1024, 1, 32),
    (1024, 256, 1, 32),
    (512, 2048, 1, 16),
    (2048, 512, 1, 16),
)
"""3×3 and 1×1 layers of stages 2 to 5."""
COLUMNS = ('layer', 'sparsity', 'pattern', 'dense_ms', 'sparse_ms', 'faster', 'low', 'high')
COLUMNS += ('dense_gflops', 'sparse_gflops', 'multiply_adds_ms', 'bytes_ms')


def main() -> None:
    """Measures, prints a table and writes all numbers."""
    options = parse_options()
    torch.set_num_threads(options.threads)
    tuning.GAIN, tuning.DENSEST = math.inf, 1.0  # what loses is a result, too
    console = Console(width=130)
    console.print(surroundings())
    rows = [
        row_of(shape, sparsity, options)
        for shape, sparsity in itertools.product(SHAPES, options.sparsities)
    ]
    peak = max(row['dense_gflops'] for row in rows)
    table = Table(title=f'{options.pattern}, {options.threads} threads')
    headers = ('layer', 'sparsity', 'dense, ms', 'sparse, ms', 'faster', 'roofline, ms', 'bound by')
    for header in headers:
        table.add_column(header, no_wrap=True)
    for row in rows:
        row['multiply_adds_ms'] = row.pop('gigaflops') / peak * 1e3
        bound = max(('multiply_adds_ms', 'bytes_ms'), key=lambda name: row[name])
        table.add_row(
            row['layer'],
            f'{row["sparsity"]:.0%}',
            f'{row["dense_ms"]:.2f}',
            f'{row["sparse_ms"]:.2f}',
            f'{row["faster"]:.2f} [{row["low"]:.2f}, {row["high"]:.2f}]',
            f'{row[bound]:.2f}',
            'multiply-adds' if bound == 'multiply_adds_ms' else 'memory',
        )
    console.print(table, f'highest rate of a dense layer: {peak:.0f} GFLOP/s')
    console.print(surroundings())
    write(rows, options.out)


def row_of(
    shape: tuple[int, int, int, int], sparsity: float, options: argparse.Namespace
) -> dict[str, Any]:
    """The numbers of one layer."""
    channels, out_channels, reach, side = shape
    torch.manual_seed(0)
    layer = nn.Conv2d(channels, out_channels, reach, padding=reach // 2).requires_grad_(False)
    together = 4 if options.pattern == '4x1' else 1
    places = (out_channels // together, *layer.weight.shape[1:])
    kept = torch.rand(places) >= sparsity
    layer.weight *= kept.repeat_interleave(together, 0)
    last = copy.deepcopy(layer).to(memory_format=torch.channels_last)
    x = torch.randn(1, channels, side, side)
    x_last = x.contiguous(memory_format=torch.channels_last)
    sparse = tuning.measure(layer, [tuple(x.shape)]).layer
    if sparse is None:
        raise SystemExit(f'{shape} at {sparsity:.0%} has no sparse form')
    with torch.inference_mode():
        seconds = measure(
            {
                'contiguous': lambda: warmed(layer, x),
                'channels last': lambda: warmed(last, x_last),
                'sparse': lambda: warmed(sparse, x),
            },
            options.repeats,
        )['wall']
        copied = measure({'copy': lambda: lambda: x.clone()}, options.repeats)['wall']['copy']
    dense = min(seconds['contiguous'], seconds['channels last'], key=middle)
    faster, low, high = ratio(dense, seconds['sparse'])
    gigaflops = 2 * out_channels * channels * reach**2 * side**2 / 1e9
    moved = (channels + out_channels) * side**2 * 4
    return {
        'layer': f'{reach}×{reach}, {channels}→{out_channels}, {side}²',
        'sparsity': sparsity,
        'pattern': options.pattern,
        'dense_ms': 1e3 * middle(dense),
        'sparse_ms': 1e3 * middle(seconds['sparse']),
        'faster': faster,
        'low': low,
        'high': high,
        'dense_gflops': gigaflops / middle(dense),
        'sparse_gflops': gigaflops * sparse.density / middle(seconds['sparse']),
        'gigaflops': gigaflops * sparse.density,
        'bytes_ms': 1e3 * moved * middle(copied) / (2 * x.numel() * 4),
    }


def warmed(layer: nn.Module, x: Tensor) -> Callable[[], Tensor]:
    """A run of a layer, once its weights are back in the caches that others used in their turns."""
    layer(x)
    return lambda: layer(x)


def middle(seconds: list[float]) -> float:
    """The median."""
    return sorted(seconds)[len(seconds) // 2]


def write(rows: list[dict[str, Any]], path: Path) -> None:
    """Writes all rows as CSV."""
    part = path.with_name(f'{path.name}.part')
    with part.open('w', newline='') as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def parse_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or '').split('\n')[0])
    parser.add_argument('--sparsities', nargs='+', type=float, default=[0.8, 0.9, 0.95])
    parser.add_argument('--pattern', choices=['unstructured', '4x1'], default='unstructured')
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--repeats', type=int, default=30)
    parser.add_argument('--out', type=Path, default=Path('sparse_layers.csv'))
    return parser.parse_args()


if __name__ == '__main__':
    main()
