"""The search: its rounds, controls and branches, and their files."""

from mmlth.engine.search.branches import FOLDER
from mmlth.engine.search.paths import SearchPaths, rewind_file_of
from mmlth.engine.search.round_training import TRAIN_LOSS
from mmlth.engine.search.run import Report, run_search
from mmlth.engine.search.runner_traces import RunnerTraces
from mmlth.engine.search.start_checkpoint import keep_load_from, remember_load_from
from mmlth.engine.search.state import load_state
from mmlth.engine.search.ticket_training import train_ticket

__all__ = [
    'FOLDER',
    'TRAIN_LOSS',
    'Report',
    'RunnerTraces',
    'SearchPaths',
    'keep_load_from',
    'load_state',
    'remember_load_from',
    'rewind_file_of',
    'run_search',
    'train_ticket',
]
