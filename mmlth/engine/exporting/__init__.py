"""Export of a ticket to ONNX: a part of its model is traced, and checked against torch."""

from mmlth.engine.exporting.export import OPSET, Exported, export_ticket
from mmlth.engine.exporting.part import PARTS

__all__ = [
    'OPSET',
    'PARTS',
    'Exported',
    'export_ticket',
]
