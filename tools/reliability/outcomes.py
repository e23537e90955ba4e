"""What came of a fault, and the table of all."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.table import Table


@dataclass
class Outcome:
    """One fault and what was lost by it.

    Attributes:
        fault: The kind.
        point: Where or when it was injected.
        ended: How the process ended.
        broken: What was not as it should be once it had ended.
        differing: How many tickets of the search, once it was finished, differ from those of a
            search that nothing disturbed.
    """

    fault: str
    point: str
    ended: str
    broken: list[str] = field(default_factory=list)
    differing: int = 0


@dataclass(frozen=True)
class Row:
    """All faults of one kind."""

    fault: str
    times: int
    ended: str
    broken: int
    differing: int


def failed(outcome: Outcome) -> bool:
    """Whether something was lost."""
    return bool(outcome.broken) or outcome.differing > 0


def rows(outcomes: Sequence[Outcome]) -> list[Row]:
    """One row for each kind of fault, in order of appearance."""
    kinds = {
        outcome.fault: [o for o in outcomes if o.fault == outcome.fault] for outcome in outcomes
    }
    return [
        Row(
            fault,
            len(of_kind),
            ', '.join(Counter(outcome.ended for outcome in of_kind)),
            sum(len(outcome.broken) for outcome in of_kind),
            sum(outcome.differing for outcome in of_kind),
        )
        for fault, of_kind in kinds.items()
    ]


def table(outcomes: Sequence[Outcome]) -> Table:
    """The rows for a terminal."""
    shown = Table('fault', 'times', 'the process ended by', 'files broken', 'tickets that differ')
    for row in rows(outcomes):
        shown.add_row(row.fault, str(row.times), row.ended, str(row.broken), str(row.differing))
    return shown
