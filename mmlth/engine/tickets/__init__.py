"""Tickets where MMEngine meets them: loaded into models, written with their provenance."""

from mmlth.engine.tickets.any_weights import read_weights
from mmlth.engine.tickets.config import config_of
from mmlth.engine.tickets.loading import checkpoint_of, install_ticket_loading
from mmlth.engine.tickets.matching import require_match, without_aliases
from mmlth.engine.tickets.provenance import counts, loading_info, provenance, training_provenance

__all__ = [
    'checkpoint_of',
    'config_of',
    'counts',
    'install_ticket_loading',
    'loading_info',
    'provenance',
    'read_weights',
    'require_match',
    'training_provenance',
    'without_aliases',
]
