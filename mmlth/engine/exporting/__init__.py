"""Export of a ticket to ONNX or MNN: a part of its model is traced, and checked against torch."""

from mmlth.engine.exporting.check import TOLERANCE, Difference, compare
from mmlth.engine.exporting.export import Exported, SparseLayers, export_model, export_ticket
from mmlth.engine.exporting.mnn_file import mnn_from_onnx
from mmlth.engine.exporting.mnn_layers import Layers, layers_in
from mmlth.engine.exporting.network import PartNetwork, onnx_of
from mmlth.engine.exporting.part import Outputs, Part, noise, outputs_of_one, part_of
from mmlth.engine.exporting.runtime_process import RuntimeProcess
from mmlth.engine.exporting.ticket_model import TicketModel, ticket_model

__all__ = [
    'TOLERANCE',
    'Difference',
    'Exported',
    'Layers',
    'Outputs',
    'Part',
    'PartNetwork',
    'RuntimeProcess',
    'SparseLayers',
    'TicketModel',
    'compare',
    'export_model',
    'export_ticket',
    'layers_in',
    'mnn_from_onnx',
    'noise',
    'onnx_of',
    'outputs_of_one',
    'part_of',
    'ticket_model',
]
