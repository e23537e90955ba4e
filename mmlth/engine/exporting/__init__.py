"""The steps of an export to ONNX: the part of a model, its trace, and the check against torch."""

from mmlth.engine.exporting.export import Exported, export_ticket

__all__ = [
    'Exported',
    'export_ticket',
]
