"""Times sparse networks beside dense ones and other runtimes, all in turns.

The weights are random, as at the start of a training, and pruned by magnitude: `uniform` prunes
every layer alike, `global` ranks all weights together, so that early layers keep more, `macs` ranks
them in the same way, but down to that share of the multiply-adds. Each row of the table is a
network; its ratios say how many times faster mmlth is than the fastest of PyTorch, ONNX Runtime and
OpenVINO, which multiply by zeros, and than MNN, which skips them, too.

    pip install -e '.[bench]'
    python benchmarks/sparse_networks.py --out sparse_networks.csv
"""

import argparse
import csv
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from detectors import MASK_RCNN, RTMDET_TINY, build
from mmdet.registry import MODELS as DETECTION
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from rich import box
from rich.console import Console
from rich.table import Table
from side_by_side import surroundings
from torch import Tensor, nn

from mmlth import LotteryError, Mask, find_targets, masked, prune
from mmlth.analysis.speed import OWN, Timing, absent, measure, median, speed_up, subject_of
from mmlth.engine.exporting import part_of
from mmlth.engine.models import forward_macs
from mmlth.pruning.allocation import ALLOCATIONS

CHANNELS = {18: [64, 128, 256, 512], 50: [256, 512, 1024, 2048]}
"""Of the four stages of a ResNet, by depth."""
HEATMAPS = Path(__file__).parents[1] / 'configs/lth/topdown_heatmap/topdown_heatmap_r18_imp.py'
FLOOR = 0.001
"""The smallest share of a layer that is kept, as in searches; else the first would be empty."""
MNN = 'MNN, sparse'
COLUMNS = (
    *('network', 'masks', 'sparsity', 'threads', 'contender', 'median_ms', 'low_ms', 'high_ms'),
    *('faster', 'faster_low', 'faster_high', 'difference', 'note', 'error'),
)


class Features(nn.Module):
    """A backbone and its neck, as in detectors.

    Args:
        depth: Of the ResNet, a key of `CHANNELS`.
    """

    def __init__(self, depth: int) -> None:
        super().__init__()
        norm = {'type': 'BN', 'requires_grad': True}
        self.backbone = DETECTION.build({'type': 'ResNet', 'depth': depth, 'norm_cfg': norm})
        self.neck = DETECTION.build(
            {'type': 'FPN', 'in_channels': CHANNELS[depth], 'out_channels': 256, 'num_outs': 5}
        )

    def extract_feat(self, images: Tensor) -> tuple[Tensor, ...]:
        """The feature maps of images [N, 3, H, W]."""
        return self.neck(self.backbone(images))


@dataclass(frozen=True)
class Network:
    """What is measured.

    Attributes:
        build: Builds the model.
        size: Height and width of its images, in pixels.
        part: `features` of backbone and neck, or the `network` with its heads.
    """

    build: Callable[[], Any]
    size: tuple[int, int]
    part: str


def detector(config: str) -> nn.Module:
    """The model of a config of MMDetection."""
    return build(config)[0]


def pose_estimator() -> nn.Module:
    """ResNet-18 with a head for heatmaps."""
    from mmpose.registry import MODELS as POSE

    init_default_scope('mmpose')
    config = Config.fromfile(HEATMAPS)
    config.model.backbone.init_cfg = None
    return POSE.build(config.model)


NETWORKS = {
    'ResNet-50': Network(partial(Features, 50), (512, 512), 'features'),
    'ResNet-18': Network(partial(Features, 18), (512, 512), 'features'),
    'RTMDet-tiny': Network(partial(detector, RTMDET_TINY), (640, 640), 'network'),
    'heatmap-R18': Network(pose_estimator, (256, 192), 'network'),
    'Mask-R-CNN': Network(partial(detector, MASK_RCNN), (800, 1344), 'features'),
}
"""By name; the ResNets have a feature pyramid, of Mask R-CNN the second stage is left out."""


def main() -> None:
    """Measures, prints a table and writes all numbers."""
    options = parse_options()
    console = Console(width=140)
    console.print(surroundings())
    rows: list[list[object]] = []
    title = f'ms, medians of {options.rounds} rounds'
    table = Table(title=title, box=box.SIMPLE_HEAD)
    for header in ('network', 'masks', '%', 'threads', OWN, 'best dense', 'ratio', MNN, 'ratio'):
        table.add_column(header, no_wrap=True)
    for about in itertools.product(options.networks, options.masks, options.sparsities):
        name, kind, sparsity = about
        try:
            timings = timings_of(NETWORKS[name], kind, sparsity, options)
        except LotteryError as error:
            console.print(*about, str(error))
            continue
        rows.extend([*about, *numbers] for numbers in numbers_of(timings))
        write(rows, options.out)
        for threads in options.threads:
            cells = summary([t for t in timings if t.threads == threads])
            table.add_row(name, kind, f'{100 * sparsity:g}', str(threads), *cells)
        for timing in timings:
            if timing.error:
                console.print(*about, timing.threads, f'{timing.contender}: {timing.error}')
        console.print(table)  # so far
    console.print(surroundings(), *absent().values(), sep='\n')


def timings_of(
    network: Network, kind: str, sparsity: float, options: argparse.Namespace
) -> list[Timing]:
    """The timings of one network."""
    part = part_of(sparse_model(network, kind, sparsity), network.part, network.size)
    return measure(subject_of(part, network.size), options.threads, options.rounds)


def sparse_model(network: Network, kind: str, sparsity: float) -> nn.Module:
    """A random model under a mask, with running statistics that are not those of the start."""
    torch.manual_seed(0)
    init_default_scope('mmdet')
    MMLogger.get_current_instance().setLevel('ERROR')  # else a line a parameter
    model = network.build().eval()
    for module in model.modules():
        # As MMDetection draws most backbones. The uniform numbers that it draws for necks have no
        # tails, and those of MMPose's heads are tiny: global pruning would leave nothing of them.
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.kaiming_normal_(module.weight, mode='fan_out', nonlinearity='relu')
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 2)
    model.load_state_dict(masked(model.state_dict(), mask_of(model, network, kind, sparsity)))
    return model


def mask_of(model: nn.Module, network: Network, kind: str, sparsity: float) -> Mask:
    """The mask of a model, of the kind that ``--masks`` names."""
    weights = {t.name: t.parameter.detach() for t in find_targets(model, frozen=True)}
    if kind != 'macs':
        return prune(weights, sparsity=sparsity, allocation=ALLOCATIONS[kind])
    costs = forward_macs(model, *network.size).macs.per_weight(weights)
    return prune(weights, sparsity=sparsity, costs=costs, floor=FLOOR)


def summary(timings: Sequence[Timing]) -> list[str]:
    """The cells of a row: milliseconds of mmlth, the best dense one, MNN, and the ratios."""
    by_name = {timing.contender: timing for timing in timings if timing.milliseconds}
    own, sparse = by_name.get(OWN), by_name.get(MNN)
    dense = [t for name, t in by_name.items() if name != OWN and not name.startswith('MNN')]
    best = min(dense, key=lambda t: median(t.milliseconds).value, default=None)
    name = best.contender if best else ''
    return [cell(own), f'{cell(best)} {name}', ratio(best, own), cell(sparse), ratio(sparse, own)]


def cell(timing: Timing | None) -> str:
    """A median."""
    return f'{median(timing.milliseconds).value:.1f}' if timing else '–'


def ratio(slower: Timing | None, faster: Timing | None) -> str:
    """How many times faster one is, with its interval."""
    if slower is None or faster is None:
        return '–'
    value, low, high = speed_up(slower.milliseconds, faster.milliseconds)
    return f'{value:.2f}' + (f' [{low:.2f}, {high:.2f}]' if low is not None else '')


def numbers_of(timings: Sequence[Timing]) -> Iterator[list[object]]:
    """The cells of the CSV but for the first three, a row a timing."""
    own = {timing.threads: timing for timing in timings if timing.contender == OWN}
    nothing = (None, None, None)
    for timing in timings:
        reference = own.get(timing.threads)
        times = median(timing.milliseconds) if timing.milliseconds else nothing
        faster = (
            speed_up(timing.milliseconds, reference.milliseconds)
            if reference and reference.milliseconds and timing.milliseconds
            else nothing
        )
        rest = timing.difference, timing.note, timing.error
        yield [timing.threads, timing.contender, *times, *faster, *rest]


def write(rows: Sequence[Sequence[object]], path: Path) -> None:
    """Writes what is measured so far."""
    part = path.with_name(f'{path.name}.part')
    with part.open('w', newline='') as file:
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow(COLUMNS)
        writer.writerows(rows)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def parse_options() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--networks', nargs='+', choices=NETWORKS, default=list(NETWORKS))
    masks = ['uniform', 'global', 'macs']
    parser.add_argument('--masks', nargs='+', choices=masks, default=masks[:2])
    parser.add_argument('--sparsities', nargs='+', type=float, default=[0.8, 0.9, 0.95])
    parser.add_argument('--threads', nargs='+', type=int, default=[1, 2])
    parser.add_argument('--rounds', type=int, default=15)
    parser.add_argument('--out', type=Path, default=Path('sparse_networks.csv'))
    return parser.parse_args()


if __name__ == '__main__':
    main()
