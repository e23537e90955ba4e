"""A search at hand and on disk: what travels through it, search.json, the files of work_dir."""

from mmlth.engine.state.paths import (
    SearchPaths,
    bench_folder_of,
    rewind_file_of,
    state_file_of,
)
from mmlth.engine.state.replacement import set_search_aside, settle_replaced, settling_replaced
from mmlth.engine.state.runner_traces import RunnerTraces
from mmlth.engine.state.search import Search
from mmlth.engine.state.start_checkpoint import (
    check_checkpoint,
    given_checkpoint,
    keep_load_from,
    remember_load_from,
    settle_checkpoint,
)
from mmlth.engine.state.state import (
    MACS_KEYS,
    SearchState,
    first_iteration,
    load_state,
    recorded_targets,
)
from mmlth.engine.state.work_dir import check_work_dir, delete_interrupted, delete_leftovers

__all__ = [
    'MACS_KEYS',
    'RunnerTraces',
    'Search',
    'SearchPaths',
    'SearchState',
    'bench_folder_of',
    'check_checkpoint',
    'check_work_dir',
    'delete_interrupted',
    'delete_leftovers',
    'first_iteration',
    'given_checkpoint',
    'keep_load_from',
    'load_state',
    'recorded_targets',
    'remember_load_from',
    'rewind_file_of',
    'set_search_aside',
    'settle_checkpoint',
    'settle_replaced',
    'settling_replaced',
    'state_file_of',
]
