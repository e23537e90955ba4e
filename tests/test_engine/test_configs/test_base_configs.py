"""Every base config opts a stock config in, parses, and runs a round on a toy detector."""

from pathlib import Path

import pytest
from kit import record, ticket_of
from mmengine.config import Config
from mmengine.registry import MODELS
from mmengine.runner import Runner
from opting_in import PRUNING_BASE, opt_in
from torch import Tensor, nn
from toy import SIZED, ToyModel, toy_config

from mmlth.engine import parse_settings
from mmlth.engine.settings.choices import build_score

NAMES = sorted(path.stem for path in PRUNING_BASE.parent.glob('*.py'))
STOCK = {
    'mmdet': 'faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py',
    'mmpose': 'body_2d_keypoint/topdown_heatmap/coco/td-hm_res50_8xb64-210e_coco-256x192.py',
}


class Block(nn.Module):
    """A residual block with a shortcut of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(8, 8, 3, padding=1)
        self.downsample = nn.Sequential(nn.Conv2d(8, 8, 1), nn.BatchNorm2d(8))

    def forward(self, features: Tensor) -> Tensor:
        return self.conv1(features).relu() + self.downsample(features)


class BBoxHead(nn.Module):
    """Has a final predictor, by the name of its class."""

    def __init__(self) -> None:
        super().__init__()
        self.shared_fcs = nn.Linear(8, 8)
        self.fc_cls = nn.Linear(8, 2)

    def forward(self, features: Tensor) -> Tensor:
        return self.fc_cls(self.shared_fcs(features).relu())


@MODELS.register_module(force=True)
class ToyDetector(ToyModel):
    """The toy model with parts that have the roles of a detector's."""

    def __init__(self) -> None:
        super().__init__()
        del self.conv, self.bn, self.depthwise, self.fc
        self.backbone = nn.Sequential()
        self.backbone.add_module('conv1', nn.Conv2d(3, 8, 3, padding=1))
        self.backbone.add_module('bn1', nn.BatchNorm2d(8))
        self.backbone.add_module('layer1', nn.Sequential(Block()))
        self.neck = nn.Conv2d(8, 8, 1)
        self.bbox_head = BBoxHead()

    def conv(self, images: Tensor) -> Tensor:
        return self.backbone(images)

    def bn(self, features: Tensor) -> Tensor:
        return features

    def depthwise(self, features: Tensor) -> Tensor:
        return self.neck(features)

    def fc(self, features: Tensor) -> Tensor:
        return self.bbox_head(features)


@pytest.mark.parametrize('package', STOCK)
@pytest.mark.parametrize('name', NAMES)
def test_a_stock_config_opts_in(package: str, name: str) -> None:
    assert opt_in(package, STOCK[package], PRUNING_BASE.with_name(f'{name}.py')) is None


def test_grasp_is_the_exact_one() -> None:
    spec = Config.fromfile(PRUNING_BASE.with_name('grasp.py')).lottery.score
    assert build_score(spec).product == 'exact'


@pytest.mark.parametrize('name', NAMES)
def test_a_round_on_a_toy(name: str, tmp_path: Path) -> None:
    lottery = Config.fromfile(PRUNING_BASE.with_name(f'{name}.py')).lottery
    lottery.pop('rate', None)
    lottery.rounds = 1
    lottery.target_sparsity = 0.5
    if lottery.rewind == '600it':  # of a warm-up as long
        lottery.rewind = '4it'
    config = toy_config(tmp_path, model={'type': 'ToyDetector'}, lottery=lottery, **SIZED)
    config.lottery = lottery  # instead of the toy's own
    config.default_hooks.checkpoint.save_best = 'auto'
    settings = parse_settings(lottery)

    Runner.from_cfg(config).train()

    ticket = ticket_of(tmp_path, 1)
    last = record(tmp_path)['rounds'][-1]
    left = last['kept_macs'] / last['prunable_macs'] if name == 'macs' else ticket.mask.density
    assert left == pytest.approx(0.5, abs=0.05)
    stem, shortcut = 'backbone.conv1.weight', 'backbone.layer1.0.downsample.0.weight'
    # 2:4 does not fit the three colours.
    kept_dense = {'s1_coco': {shortcut}, 's1_voc': {stem, shortcut}, 'two_four': {stem}}
    if settings.targets.scope == 's2':
        assert all(name.startswith('backbone.layer1') for name in ticket.mask)
        assert shortcut in ticket.mask
    else:
        dense = kept_dense.get(name, set())
        assert {stem, shortcut, 'neck.weight'} - set(ticket.mask) == dense
        assert ('bbox_head.fc_cls.weight' in ticket.mask) == (name == 's1_voc')
