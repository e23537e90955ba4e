"""Export of a ticket to ONNX: a part of its model is traced, and checked against torch."""

from mmlth.engine.exporting.export import Exported, export_ticket

__all__ = [
    'Exported',
    'export_ticket',
]
