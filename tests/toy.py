"""A small model, data set and config that every part of MMEngine treats like a real one."""

import itertools
from pathlib import Path
from typing import Any, ClassVar

import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, METRICS, MODELS
from torch import Tensor, nn
from torch.utils.data import Dataset

_names = itertools.count()

IMAGES = 24
BATCH = 4
ITERATIONS_PER_EPOCH = IMAGES // BATCH
SIZED = {'val_dataloader.dataset.pipeline': [{'type': 'Resize', 'scale': (6, 6)}]}
"""Changes of a config that let it tell the size of its images."""


@MODELS.register_module(force=True)
class ToyModel(BaseModel):
    """Convolutions, batch norm, dropout (so that random numbers matter) and a linear layer."""

    def __init__(self, dropout: float = 0.2) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.bn = nn.BatchNorm2d(8)
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(8, 2)

    def forward(self, inputs: Any, data_samples: Any = None, mode: str = 'tensor') -> Any:
        images = torch.stack(list(inputs)) if isinstance(inputs, (list, tuple)) else inputs
        features = self.depthwise(self.bn(self.conv(images)).relu()).relu()
        logits = self.fc(self.dropout(features.mean((2, 3))))
        if mode == 'loss':
            labels = torch.as_tensor(data_samples)
            return {'loss': nn.functional.cross_entropy(logits, labels)}
        if mode == 'tensor':
            return logits
        return [(int(g.argmax()), int(t)) for g, t in zip(logits, data_samples)]


@DATASETS.register_module(force=True)
class ToyDataset(Dataset):
    """Noise whose brighter half is class 1; the noise added on loading is an augmentation.

    Nothing runs a pipeline; one may tell of what size images are.
    """

    metainfo: ClassVar = {'classes': ('dark', 'bright')}

    def __init__(
        self,
        augment: bool = True,
        broken: bool = False,
        images: int = IMAGES,
        pipeline: Any = None,
    ) -> None:
        generator = torch.Generator().manual_seed(0)
        self.images = torch.randn(images, 3, 6, 6, generator=generator)
        self.labels = [index % 2 for index in range(images)]
        for image, label in zip(self.images, self.labels):
            image += 0.6 * label
        self.augment = augment

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> dict[str, Any]:
        noise: Tensor = torch.randn(3, 6, 6) * 0.1 if self.augment else torch.zeros(3, 6, 6)
        return {'inputs': self.images[index] + noise, 'data_samples': self.labels[index]}


@METRICS.register_module(force=True)
class ToyAccuracy(BaseMetric):
    """Share of the images whose class is found."""

    default_prefix = 'toy'

    def process(self, data_batch: Any, data_samples: Any) -> None:
        self.results.extend(float(guess == truth) for guess, truth in data_samples)

    def compute_metrics(self, results: list[float]) -> dict[str, float]:
        return {'accuracy': sum(results) / len(results)}


def toy_config(work_dir: Path | str, iterations: bool = False, **changes: Any) -> Config:
    """A config of 3 epochs of 6 iterations, or of 18 iterations in a loop without epochs."""
    loader = {
        'batch_size': BATCH,
        'num_workers': 0,
        'sampler': {'type': 'InfiniteSampler' if iterations else 'DefaultSampler', 'shuffle': True},
        'collate_fn': {'type': 'default_collate'},
    }
    length = 3 * ITERATIONS_PER_EPOCH
    schedule: dict[str, Any] = (
        {'type': 'IterBasedTrainLoop', 'max_iters': length, 'val_interval': length // 3}
        if iterations
        else {'by_epoch': True, 'max_epochs': 3, 'val_interval': 1}
    )
    config = Config(
        {
            'default_scope': 'mmengine',
            'model': {'type': 'ToyModel'},
            'work_dir': str(work_dir),
            # Two Runners of one second would share a visualizer, which MMEngine finds by name.
            'experiment_name': f'toy_{next(_names)}',
            'train_dataloader': {**loader, 'dataset': {'type': 'ToyDataset'}},
            'train_cfg': schedule,
            'val_dataloader': {
                **loader,
                'sampler': {'type': 'DefaultSampler', 'shuffle': False},
                'dataset': {'type': 'ToyDataset', 'augment': False},
            },
            'val_cfg': {},
            'val_evaluator': {'type': 'ToyAccuracy'},
            'optim_wrapper': {
                'optimizer': {'type': 'SGD', 'lr': 0.1, 'momentum': 0.9, 'weight_decay': 0.01},
                'clip_grad': {'max_norm': 1.0},
            },
            'param_scheduler': [
                {'type': 'LinearLR', 'start_factor': 0.1, 'by_epoch': False, 'begin': 0, 'end': 4},
                {
                    'type': 'CosineAnnealingLR',
                    'by_epoch': False,
                    'begin': 4,
                    'end': length,
                    'eta_min': 0.001,
                },
            ],
            'default_hooks': {
                'checkpoint': {
                    'type': 'CheckpointHook',
                    'interval': 1 if not iterations else ITERATIONS_PER_EPOCH,
                    'by_epoch': not iterations,
                },
                'logger': {'type': 'LoggerHook', 'interval': 2},
            },
            'randomness': {'seed': 0},
            'log_level': 'WARNING',
            'custom_imports': {'imports': ['mmlth'], 'allow_failed_imports': False},
            'lottery': {'target_sparsity': 0.75, 'rounds': 2, 'rewind': '1ep'},
        }
    )
    config.merge_from_dict(changes)
    return config
