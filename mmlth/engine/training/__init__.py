"""One training: its config, its start, and its exact continuation."""

from mmlth.engine.training.dashboards import closed_once, opening_no_run
from mmlth.engine.training.epoch_position import skip_trained_batches, validation_is_due
from mmlth.engine.training.length import rewind_iteration, training_iterations, training_loop
from mmlth.engine.training.longer_training import scale_schedule
from mmlth.engine.training.loop_check import check_loop
from mmlth.engine.training.missed_hooks import replay_switches, replay_validations
from mmlth.engine.training.pace import Pace, at_pace, find_pace
from mmlth.engine.training.redraw_check import check_redrawn
from mmlth.engine.training.round_config import Origin, experiment_name, round_config
from mmlth.engine.training.round_start import (
    StateTransform,
    learning_rates,
    round_start,
    weights_start,
)
from mmlth.engine.training.state import saved_weights, training_state, without_functions
from mmlth.engine.training.unmoved_weights import fingerprints, unmoved

__all__ = [
    'Origin',
    'Pace',
    'StateTransform',
    'at_pace',
    'check_loop',
    'check_redrawn',
    'closed_once',
    'experiment_name',
    'find_pace',
    'fingerprints',
    'learning_rates',
    'opening_no_run',
    'replay_switches',
    'replay_validations',
    'rewind_iteration',
    'round_config',
    'round_start',
    'saved_weights',
    'scale_schedule',
    'skip_trained_batches',
    'training_iterations',
    'training_loop',
    'training_state',
    'unmoved',
    'validation_is_due',
    'weights_start',
    'without_functions',
]
