"""Which ticket answers a search: the sparsest one that is as good as the dense model."""

from collections.abc import Iterable
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from mmlth.analysis.networks import lower_is_better
from mmlth.report.cost import Costs, macs_cell, size_cell
from mmlth.report.kit import mean_cell, percent, plain_table
from mmlth.report.searches import TICKET, LineComparison, LinePoint, Round, Search, agreed_sparsity


@dataclass(frozen=True)
class WinningTicket:
    """The sparsest winning ticket.

    Attributes:
        comparison: The lines among which it wins.
        ticket: The ticket over all seeds; None where none wins, as beside a dense model that
            has an accuracy of zero.
        by_rule: Whether winning is being within one standard deviation of the dense model (the
            rule of Girish et al., CVPR 2021); with a single seed there is none, and it is being
            no worse than the dense model.
    """

    comparison: LineComparison
    ticket: LinePoint | None
    by_rule: bool

    def found_in(self, searches: Iterable[Search]) -> tuple[Search, Round] | None:
        """The first search that has trained the winning ticket, and the round that has."""
        if self.ticket is None:
            return None
        rounds = ((search, round_) for search in searches for round_ in search.rounds[1:])
        agreed = _agreed(self.ticket)
        return next((each for each in rounds if agreed_sparsity(each[1]) == agreed), None)


def find_winning_ticket(comparison: LineComparison) -> WinningTicket:
    """Finds the sparsest winning ticket of searches.

    Args:
        comparison: The lines of the searches, by the metric that counts.
    """
    dense = comparison.dense
    by_rule = dense.std is not None
    if _found_nothing(comparison):
        return WinningTicket(comparison, None, by_rule)
    sign = -1 if lower_is_better(comparison.metric) else 1
    winners = [
        point
        for point in comparison.lines.get(TICKET, [])
        if (
            point.wins(dense, comparison.metric)
            if by_rule
            else sign * (point.mean - dense.mean) >= 0
        )
    ]
    return WinningTicket(comparison, winners[-1] if winners else None, by_rule)


def sentence(answer: WinningTicket, what: str = 'ticket') -> str:
    """Says which ticket wins, in a sentence or two.

    Args:
        answer: The sparsest winning ticket.
        what: What was trained: tickets, or a control of them.
    """
    metric, dense = answer.comparison.metric, answer.comparison.dense
    if not answer.comparison.lines.get(TICKET):
        return f'The dense model reaches {_value(dense)} {metric}; no pruned round is done yet.'
    if _found_nothing(answer.comparison):
        return (
            f'The dense model reaches {_value(dense)} {metric}, so that nothing can be said of a '
            f'{what}: train the dense model until it is of use, then search.'
        )
    if answer.ticket is None:
        short = 'comes within one standard deviation of' if answer.by_rule else 'is as good as'
        return f'No {what} {short} the dense model, {_value(dense)} {metric}.'
    rule = (
        f'within one standard deviation of the dense model, or better, over {len(dense.values)} '
        'seeds'
        if answer.by_rule
        else 'no worse than the dense model; one seed has no standard deviation, so that chance '
        'may have decided: run more seeds'
    )
    return (
        f'The sparsest winning {what} keeps {1 - answer.ticket.sparsity:.1%} of the prunable '
        f'weights ({answer.ticket.sparsity:.2%} are removed, {answer.ticket.network_sparsity:.2%} '
        f'of the whole network) and reaches {_value(answer.ticket)} {metric}, the dense model '
        f'{_value(dense)}. Winning is: {rule}.'
    )


def answer_table(answer: WinningTicket, costs: Costs, what: str = 'ticket') -> Table | None:
    """The sparsest winning ticket beside the dense model: metric, weights, bytes and MACs.

    Args:
        answer: The sparsest winning ticket.
        costs: What the tickets of a search cost.
        what: What was trained: tickets, or a control of them.

    Returns:
        A row each; None where no ticket wins, or the file of one of the two is gone.
    """
    rows = {agreed_sparsity(ticket.round): row for ticket, row in zip(costs.tickets, costs.rows)}
    winner = answer.ticket
    if winner is None or not {0, _agreed(winner)} <= rows.keys():
        return None
    dense, ticket = rows[0], rows[_agreed(winner)]
    whole = None if dense.sizes is None else dense.sizes.dense
    table = plain_table('')
    for name in (answer.comparison.metric, 'prunable weights', 'on disk (MB)', 'MACs an image'):
        table.add_column(Text(name), justify='right', no_wrap=True)
    for title, point, row, size in (
        ('dense model', answer.comparison.dense, dense, whole),
        (f'sparsest winning {what}', winner, ticket, ticket.file),
    ):
        cells = (size_cell(size, whole), macs_cell(row.macs))
        beside = [cell.replace('\n', ' (') + ')' * ('\n' in cell) for cell in cells]
        table.add_row(title, _value(point), percent(1 - row.sparsity), *beside)
    return table


def _found_nothing(comparison: LineComparison) -> bool:
    """Whether the dense model's accuracy prints as zero, so that any ticket is as good."""
    return round(comparison.dense.mean, 3) == 0 and not lower_is_better(comparison.metric)


def _agreed(point: LinePoint) -> float:
    return point.sparsity if point.agreed is None else point.agreed


def _value(point: LinePoint) -> str:
    return mean_cell(point.values, '.3f')
