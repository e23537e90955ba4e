"""What every step of a search has at hand."""

from mmlth.engine.search.state import SearchState
from mmlth.engine.settings import Settings


def first_iteration(settings: Settings, state: SearchState) -> int:
    """The iteration that later rounds start at."""
    full = settings.after_rewind == 'full' or settings.rewind_what == 'reinit'
    return 0 if full else int(state.rewind['iteration'])
