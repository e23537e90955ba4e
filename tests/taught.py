"""A small model with a real head of MMPose, which can be taught."""

from typing import Any

import torch
from mmengine.model import BaseModel
from mmengine.registry import MODELS
from mmpose.models.heads import HeatmapHead
from torch import Tensor, nn


@MODELS.register_module(force=True)
class TaughtModel(BaseModel):
    """Draws a bright map for the class of an image.

    Args:
        dropout: So that random numbers matter.
        norm: Whether there is batch norm, for which it matters what is in a batch.
    """

    def __init__(self, dropout: float = 0.2, norm: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.bn = nn.BatchNorm2d(8) if norm else nn.Identity()
        self.dropout = nn.Dropout(dropout)
        self.head = HeatmapHead(
            8,
            2,
            deconv_out_channels=None,
            conv_out_channels=[8] if norm else None,  # each comes with a norm of its own
            conv_kernel_sizes=[3] if norm else None,
            loss={'type': 'mmpose.KeypointMSELoss', 'loss_weight': 2.0},
        )

    def extract_feat(self, images: Tensor) -> tuple[Tensor]:
        return (self.dropout(self.bn(self.conv(images)).relu()),)

    def forward(self, inputs: Any, data_samples: Any = None, mode: str = 'tensor') -> Any:
        images = torch.stack(list(inputs)) if isinstance(inputs, (list, tuple)) else inputs
        maps = self.head.forward(self.extract_feat(images))  # as MMPose calls it
        if mode == 'loss':
            labels = nn.functional.one_hot(torch.as_tensor(data_samples), 2).to(maps)
            target = labels[:, :, None, None].expand_as(maps)
            return {'loss_kpt': self.head.loss_module(maps, target)}
        if mode == 'tensor':
            return maps
        return [(int(m.sum((1, 2)).argmax()), int(t)) for m, t in zip(maps, data_samples)]
