"""MACs by module, and masks of another model."""

import pytest
import torch
from torch import nn

from mmlth.analysis.cost.macs import check_masks_model, sum_by_module
from mmlth.pruning import LayerMacs, Mask
from mmlth.ticket import TicketMismatchError


def test_the_layers_of_a_module_are_summed():
    layers = [
        LayerMacs('stem.weight', 30, 30),
        LayerMacs('neck.grouped.weight', 40, 10),
        LayerMacs('neck.up.weight', 8, 8),
        LayerMacs('fc.weight', 5, 0),
    ]
    assert sum_by_module(layers) == [
        LayerMacs('stem', 30, 30),
        LayerMacs('neck', 48, 18),
        LayerMacs('fc', 5, 0),
    ]


def test_a_mask_of_another_model():
    model = nn.ModuleDict({'fc': nn.Linear(8, 5)})
    check_masks_model(Mask({'fc.weight': torch.ones(5, 8, dtype=torch.bool)}), model)
    with pytest.raises(TicketMismatchError, match='lacks, such as head'):
        check_masks_model(Mask({'head.weight': torch.ones(5, 8, dtype=torch.bool)}), model)
    with pytest.raises(TicketMismatchError, match=r'fc.weight of shape \(5, 7\).*\(5, 8\)'):
        check_masks_model(Mask({'fc.weight': torch.ones(5, 7, dtype=torch.bool)}), model)
