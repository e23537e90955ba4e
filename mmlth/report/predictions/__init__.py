"""The sections on what models predict, and where they err."""

from mmlth.report.predictions.analyses import analysis_sections, failures
from mmlth.report.predictions.model_tickets import model_tickets
from mmlth.report.predictions.models import predict_all

__all__ = [
    'analysis_sections',
    'failures',
    'model_tickets',
    'predict_all',
]
