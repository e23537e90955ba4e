"""A classifier of random points, on MMEngine alone: searches in fresh processes take seconds."""

from pathlib import Path
from typing import Any, ClassVar

import torch
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, METRICS, MODELS
from torch import Tensor, nn
from torch.utils.data import Dataset

POINTS_CONFIG = """
custom_imports = dict(imports=['points', 'mmlth'], allow_failed_imports=False)
default_scope = 'mmengine'
model = dict(type='PointsNet')
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    collate_fn=dict(type='default_collate'),
    dataset=dict(type='Points'),
    sampler=dict(type='DefaultSampler', shuffle=True),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=0,
    collate_fn=dict(type='default_collate'),
    dataset=dict(type='Points', seed=1),
    sampler=dict(type='DefaultSampler', shuffle=False),
)
val_evaluator = dict(type='PointsAccuracy')
train_cfg = dict(by_epoch=True, max_epochs=2, val_interval=1)
val_cfg = dict()
test_dataloader = val_dataloader
test_evaluator = val_evaluator
test_cfg = dict()
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=1e-4))
randomness = dict(seed=0)
lottery = dict(target_sparsity=0.5, rounds=1)
"""


def points_config(folder: Path, more: str = '', name: str = 'points_config.py') -> Path:
    """Writes the config of a search of one pruning round of two epochs.

    Args:
        folder: Where to.
        more: Lines of Python that a config which inherits it consists of; none: it alone.
        name: Of the file that is returned.
    """
    base = folder / ('points_base.py' if more else name)
    base.write_text(POINTS_CONFIG)
    if more:
        (folder / name).write_text(f"_base_ = './points_base.py'\n{more}")
    return folder / name


@DATASETS.register_module(force=True)
class Points(Dataset):
    """Points of eight coordinates; class 1 where their sum is positive."""

    METAINFO: ClassVar[dict[str, Any]] = {'classes': ('neg', 'pos')}

    def __init__(self, n: int = 32, seed: int = 0, metainfo: Any = None) -> None:
        self.x = torch.randn(n, 8, generator=torch.Generator().manual_seed(seed))
        self.y = (self.x.sum(1) > 0).long()
        self._metainfo = metainfo or dict(self.METAINFO)

    @property
    def metainfo(self) -> Any:
        return self._metainfo

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {'inputs': self.x[index], 'labels': self.y[index]}


@MODELS.register_module(force=True)
class PointsNet(BaseModel):
    """Three linear layers, the last of them a predictor."""

    def __init__(self, width: int = 32, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.backbone = nn.Sequential(
            nn.Linear(8, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU()
        )
        self.head = nn.Linear(width, 2)

    def forward(self, inputs: Tensor, labels: Any = None, mode: str = 'tensor') -> Any:
        logits = self.head(self.backbone(inputs))
        if mode == 'loss':
            return {'loss': nn.functional.cross_entropy(logits, labels)}
        if mode == 'predict':
            return [{'pred': p, 'label': y} for p, y in zip(logits.argmax(1), labels)]
        return logits


@METRICS.register_module(force=True)
class PointsAccuracy(BaseMetric):
    """Share of the points whose class is found."""

    default_prefix = 'points'

    def process(self, data_batch: Any, data_samples: Any) -> None:
        self.results += [int(s['pred'] == s['label']) for s in data_samples]

    def compute_metrics(self, results: list[int]) -> dict[str, Any]:
        return {'accuracy': sum(results) / len(results)}
