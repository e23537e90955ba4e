"""Times saving and loading a ticket of Mask R-CNN R50 beside torch's dense checkpoint.

Both write to the same folder; a ticket is flushed to the disk, too, which torch does not do.

    python benchmarks/ticket_speed.py --repeats 11
"""

import argparse
import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from detectors import MASK_RCNN, build
from memory import in_own_process, peak_memory
from rich.console import Console
from rich.table import Table
from side_by_side import measure, ratio, surroundings

from mmlth import Ticket, find_targets, load_ticket, masked, prune, save_ticket


def main() -> None:
    """Measures and prints a table."""
    options = parse_options()
    console = Console(width=110)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        console.print(compare(Path(folder), options.sparsity, options.repeats))
    console.print(surroundings())


def compare(folder: Path, sparsity: float, repeats: int) -> Table:
    """Saves and loads in turns."""
    ticket = detector_ticket(sparsity)
    dense = ticket.state_dict()
    file, pth = folder / 'ticket.safetensors', folder / 'dense.pth'
    runs: dict[str, Callable[[], object]] = {
        'torch.save': partial(torch.save, dense, pth),
        'save_ticket': partial(save_ticket, ticket, file),
        'torch.load': partial(torch.load, pth, weights_only=True),
        'load_ticket': partial(load_ticket, file),
    }
    for run in runs.values():
        run()
    samples = measure({name: lambda run=run: run for name, run in runs.items()}, repeats)
    size = sum(weight.nbytes for weight in dense.values())
    table = Table(
        title=f'{ticket.mask.total:,} prunable weights, {ticket.mask.sparsity:.0%} of them pruned; '
        f'files of {pth.stat().st_size / 1e6:.0f} and {file.stat().st_size / 1e6:.0f} MB'
    )
    for column in ('', 'time', 'ratio', '95 % interval', 'CPU time', 'extra memory / dense'):
        table.add_column(column, justify='right' if column else 'left')
    for name in runs:
        other = 'torch.save' if 'save' in name else 'torch.load'
        wall, cpu = samples['wall'], samples['CPU']
        middle, low, high = ratio(wall[name], wall[other])
        work, _, _ = ratio(cpu[name], cpu[other])
        extra = in_own_process(memory_of, name, sparsity, str(folder)) / size
        table.add_row(
            name,
            f'{torch.tensor(wall[name]).median():.3f} s',
            f'{middle:.2f}',
            f'{low:.2f} – {high:.2f}',
            f'{work:.2f}',
            f'{extra:.2f}',
        )
    return table


def memory_of(name: str, sparsity: float, folder: str) -> float:
    """Bytes that a call needs at its peak beyond what it is given and what it returns."""
    file, pth = Path(folder, 'ticket.safetensors'), Path(folder, 'dense.pth')
    if name == 'load_ticket':
        peak, ticket = peak_memory(lambda: load_ticket(file))
        return peak - sum(t.nbytes for t in (*ticket.state_dict().values(), *ticket.mask.values()))
    if name == 'torch.load':
        peak, dense = peak_memory(lambda: torch.load(pth, weights_only=True))
        return peak - sum(tensor.nbytes for tensor in dense.values())
    ticket = detector_ticket(sparsity)
    dense = ticket.state_dict()
    if name == 'torch.save':
        return peak_memory(lambda: torch.save(dense, pth))[0]
    return peak_memory(lambda: save_ticket(ticket, file))[0]


def detector_ticket(sparsity: float) -> Ticket:
    """A ticket of Mask R-CNN R50 with every weight prunable and every layer as dense as others."""
    torch.manual_seed(0)
    model, _ = build(MASK_RCNN)
    weights = {t.name: t.parameter.detach() for t in find_targets(model, frozen=True)}
    by_layer = {name: w.abs() / w.std().clamp(min=1e-12) for name, w in weights.items()}
    mask = prune(by_layer, sparsity=sparsity)
    return Ticket(mask, masked(model.state_dict(), mask))


def parse_options() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--repeats', type=int, default=11)
    parser.add_argument('--sparsity', type=float, default=0.8)
    parser.add_argument('--folder', help='where to write (default: the folder for temporary files)')
    return parser.parse_args()


if __name__ == '__main__':
    # For the processes that measure memory; see `in_own_process`.
    os.environ['MALLOC_MMAP_THRESHOLD_'] = str(2**20)
    main()
