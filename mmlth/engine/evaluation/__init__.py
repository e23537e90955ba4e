"""Metrics, losses and predictions of a model on data."""

from mmlth.engine.evaluation.coco_metric import DataSet
from mmlth.engine.evaluation.evaluation import Evaluation
from mmlth.engine.evaluation.main_metrics import (
    is_average_precision,
    main_among,
    short_metrics,
    short_names,
)
from mmlth.engine.evaluation.metrics import number
from mmlth.engine.evaluation.predictions import PREDICTION_KINDS, Predictions, Predictor
from mmlth.engine.evaluation.result_hook import ResultHook
from mmlth.engine.evaluation.running_statistics import recompute_statistics, trained_norms
from mmlth.engine.evaluation.samples import Samples
from mmlth.engine.evaluation.training_counts import training_counts
from mmlth.engine.evaluation.validation_loss import ValidationLoss, check_validation_loss

__all__ = [
    'PREDICTION_KINDS',
    'DataSet',
    'Evaluation',
    'Predictions',
    'Predictor',
    'ResultHook',
    'Samples',
    'ValidationLoss',
    'check_validation_loss',
    'is_average_precision',
    'main_among',
    'number',
    'recompute_statistics',
    'short_metrics',
    'short_names',
    'trained_norms',
    'training_counts',
]
