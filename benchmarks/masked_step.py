"""Times a training step under a mask against the same step without.

Both are steps of one model, whose mask is attached and detached in turns: two models would lie
at different addresses, which can cost more than the mask does. Each starts from the same weights
(the masked ones, so that the proposals and with them the work are the same), random numbers and
batch; the losses are checked to be equal.

    python benchmarks/masked_step.py --models mask_rcnn --repeats 10
"""

import argparse
from collections.abc import Callable
from typing import Any

import torch
from detectors import MASK_RCNN, RTMDET_TINY, build, random_batch
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper, build_optim_wrapper
from rich.console import Console
from rich.table import Table
from side_by_side import CLOCKS, Samples, measure, ratio, surroundings

from mmlth.pruning import Mask, attach_mask, detach_mask, find_targets, prune

MODELS = {
    'mask_rcnn': ('Mask R-CNN R50', MASK_RCNN, (640, 800), 2),
    'rtmdet': ('RTMDet-tiny', RTMDET_TINY, (416, 416), 8),
}
"""Title, config, image size and batch size."""


def main() -> None:
    """Measures and prints a table."""
    options = parse_options()
    if options.threads:
        torch.set_num_threads(options.threads)
    table = Table(title=f'A training step at {options.sparsity:.0%} sparsity')
    for column in ('model', 'input', 'clock'):
        table.add_column(column)
    for column in ('dense', 'masked', 'ratio', '95 % interval', 'fastest'):
        table.add_column(column, justify='right')
    for name in options.models:
        title, config, size, count = MODELS[name]
        size, count = tuple(options.size or size), options.batch or count
        samples = measure_steps(config, size, count, options)
        add_rows(table, title, f'{count} × {size[0]}×{size[1]}', samples)
    Console(width=110).print(table, surroundings())


def measure_steps(
    config: str, size: tuple[int, int], count: int, options: argparse.Namespace
) -> Samples:
    """Seconds of dense and masked training steps of one detector."""
    torch.manual_seed(0)
    model, cfg = build(config)
    model.to(options.device).train()
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper)
    optimizer.clip_kwargs = dict(max_norm=35, norm_type=2)
    batch = random_batch(size, count, masks=config == MASK_RCNN)

    weights = {target.name: target.parameter.detach() for target in find_targets(model)}
    mask = prune(weights, sparsity=options.sparsity)
    attach_mask(model, mask)
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}

    def run(wanted: Mask | None) -> Callable[[], Any]:
        return prepare_step(model, optimizer, batch, state, wanted)

    # The first steps also allocate the optimizer's state.
    losses = [run(wanted)()['loss'].item() for wanted in (mask, None, mask)]
    assert max(losses) - min(losses) <= 1e-3 * max(losses), f'not the same step: losses {losses}'
    return measure(
        {'dense': lambda: run(None), 'masked': lambda: run(mask)},
        options.repeats,
        torch.cuda.synchronize if options.device.startswith('cuda') else lambda: None,
    )


def prepare_step(
    model: BaseModel,
    optimizer: OptimWrapper,
    batch: dict[str, Any],
    state: dict[str, torch.Tensor],
    mask: Mask | None,
) -> Callable[[], Any]:
    """One training step from ``state``: preprocessing, losses, backward, clipping, update."""
    detach_mask(model)
    model.load_state_dict(state)
    if mask is not None:
        attach_mask(model, mask)
    torch.manual_seed(0)
    return lambda: model.train_step(batch, optimizer)


def add_rows(table: Table, title: str, inputs: str, samples: Samples) -> None:
    """Adds a row a clock: median seconds, median ratio of pairs, ratio of the fastest steps."""
    for clock in CLOCKS:
        dense, masked = samples[clock]['dense'], samples[clock]['masked']
        middle, low, high = ratio(masked, dense)
        seconds = [f'{torch.tensor(values).median():.3f} s' for values in (dense, masked)]
        spread, fastest = f'{low:.3f} – {high:.3f}', min(masked) / min(dense)
        table.add_row(title, inputs, clock, *seconds, f'{middle:.3f}', spread, f'{fastest:.3f}')
    table.add_section()


def parse_options() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--models', nargs='+', choices=MODELS, default=list(MODELS))
    parser.add_argument('--repeats', type=int, default=10, help='steps of each kind')
    parser.add_argument('--size', type=int, nargs=2, metavar=('HEIGHT', 'WIDTH'))
    parser.add_argument('--batch', type=int, help='images a step')
    parser.add_argument('--sparsity', type=float, default=0.8)
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--threads', type=int, help='number of threads (default: as torch likes)')
    return parser.parse_args()


if __name__ == '__main__':
    main()
