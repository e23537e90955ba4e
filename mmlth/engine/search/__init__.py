"""The search from end to end: accepted, round after round, its branches, one ticket alone."""

from mmlth.engine.search.run import Report, run_search
from mmlth.engine.search.ticket_training import train_ticket

__all__ = ['Report', 'run_search', 'train_ticket']
