"""Inspections as JSON values: what ``mmlth inspect --json`` writes."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mmlth.analysis import Inspection
from mmlth.analysis.cost import ModelMacs, sum_by_module
from mmlth.analysis.masks import Layer, Module, TicketComparison, Zeros
from mmlth.pruning import Mask


def inspection_json(inspection: Inspection) -> dict[str, Any]:
    """What a ticket file holds as JSON: shares are in [0, 1], sizes in bytes."""
    mask, sizes = inspection.ticket.mask, inspection.sizes
    return {
        'path': inspection.path,
        'provenance': json_value(inspection.provenance),
        'prunable': mask.total,
        'kept': mask.kept,
        'parameters': inspection.parameters,
        'sparsity': mask.sparsity,
        'network_sparsity': inspection.network_sparsity,
        'modules': [_part(module) for module in inspection.modules],
        'layers': [_part(layer) for layer in inspection.layers],
        'file': dataclasses.asdict(inspection.stored),
        'sizes': None if sizes is None else dataclasses.asdict(sizes),
    }


def comparison_json(comparison: TicketComparison) -> dict[str, Any]:
    """What changed from the first ticket to the second."""
    return {
        'iou': comparison.iou,
        'chance_iou': comparison.chance_iou,
        'hamming': comparison.hamming,
        'nested': comparison.nested,
        'revived': comparison.revived,
        'layers': [
            {
                'name': pair.name,
                **dataclasses.asdict(pair),
                'density': list(pair.densities),
                'difference': pair.densities[1] - pair.densities[0],
                'iou': pair.iou,
                'chance_iou': pair.chance_iou,
            }
            for pair in comparison.layers
        ],
    }


def macs_json(counted: ModelMacs, mask: Mask) -> dict[str, Any]:
    """The MACs of one forward pass, dense and with a ticket's weights; sizes in pixels.

    Args:
        counted: The MACs of the model.
        mask: The mask of the ticket.
    """
    macs = counted.macs
    return {
        'model': counted.model,
        'image': list(counted.image),
        'size': list(counted.size),
        'regions': counted.regions,
        'left_out': counted.left_out,
        'dense': macs.dense,
        'sparse': macs.sparse(mask),
        'modules': [dataclasses.asdict(work) for work in sum_by_module(macs.layers(mask))],
        'layers': [dataclasses.asdict(work) for work in macs.layers(mask)],
        'uncounted': dict(macs.uncounted),
        'unused': list(macs.unused),
    }


def json_value(value: Any) -> Any:
    """A value that strict JSON can hold: NaN and infinities become None, arrays lists."""
    if isinstance(value, Mapping):
        return {str(key): json_value(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return json_value(value.tolist())
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [json_value(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int) else str(value)


def _part(part: Layer | Module) -> dict[str, Any]:
    fields = {field.name: getattr(part, field.name) for field in dataclasses.fields(part)}
    values = {k: v._asdict() if isinstance(v, Zeros) else v for k, v in fields.items()}
    return {**json_value(values), 'density': part.density}
