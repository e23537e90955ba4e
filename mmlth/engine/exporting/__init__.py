"""The steps of an export to ONNX: the part of a model, its trace, and the check against torch."""

from mmlth.engine.exporting.export import OPSET, Exported, export_ticket
from mmlth.engine.exporting.part import PARTS

__all__ = [
    'OPSET',
    'PARTS',
    'Exported',
    'export_ticket',
]
