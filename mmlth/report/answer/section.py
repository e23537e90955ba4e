"""The first section: what was searched, the answer, and the curve."""

import os
from collections.abc import Sequence
from functools import partial

from mmlth.engine.configs import differences
from mmlth.messages import join_names
from mmlth.report.answer.accuracy_plot import plot_accuracy
from mmlth.report.answer.comparison_plot import plot_comparison
from mmlth.report.answer.comparison_table import comparison_table, write_comparison_csv
from mmlth.report.answer.results_csv import write_results_csv
from mmlth.report.answer.results_table import results_table
from mmlth.report.answer.winning_ticket import answer_table, find_winning_ticket, sentence
from mmlth.report.cost import count_costs
from mmlth.report.page import CsvFile, Figure, Part, Section
from mmlth.report.searches import (
    LineComparison,
    Round,
    Search,
    Searches,
    round_tickets,
    saved,
    training_cost,
)

_NO_DENSE = (
    'Trained once, so that there is no dense model to compare with; a branch of a search, as by '
    'mmlth branch SEARCH gradual, is shown beside its dense model and its tickets.'
)


def answer_section(searches: Searches, comparisons: Sequence[LineComparison]) -> Section:
    """Says what was searched, which ticket wins, and how accuracy falls with sparsity.

    Args:
        searches: The searches, which differ by seed.
        comparisons: The searches beside their branches, the metric that counts first; empty where
            no round has been measured.
    """
    introduction = ' '.join([_searched(searches), *_progress(searches), *_mixed(searches)])
    numbers = _numbers(searches)
    if not searches.first.has_dense:
        shown = None if searches.metric is None else [searches.metric]
        results = [results_table(search.rounds, shown) for search in searches]
        return Section('Answer', (introduction, _NO_DENSE, *results, *numbers))
    if not comparisons:
        return Section('Answer', (introduction, 'No round has been measured yet.', *numbers))
    first, what = comparisons[0], 'control' if searches.first.control else 'ticket'
    winning = find_winning_ticket(first)
    winner = winning.found_in(searches)
    answer = sentence(winning, what) + (_file_of(*winner, len(searches)) if winner else '')
    parts: list[Part] = [introduction, answer, *_caveats(searches)]
    if winner is not None:
        beside = answer_table(winning, count_costs(round_tickets(winner[0])), what)
        parts += [] if beside is None else [beside]
    if len(searches) == 1 and len(first.lines) <= 1:
        rounds = searches.first.rounds
        shown = None if searches.metric is None else [searches.metric]
        figure = Figure(
            'accuracy',
            'The dashed lines are the values of the dense model.',
            f'Line plot of {len(rounds)} rounds: metrics against sparsity; the table has the '
            'numbers.',
            lambda path: plot_accuracy(rounds, path, shown),
        )
        table = results_table(rounds, shown, training_cost(searches.first))
        return Section('Answer', (*parts, figure, table, *numbers))
    several = first.dense.std is not None
    band = ', its band one standard deviation wide to either side' if several else ''
    figure = Figure(
        'comparison',
        f'{first.metric} against sparsity. Grey: the dense model{band}.',
        f'Line plot of {len(first.lines)} methods: {", ".join(first.lines)}; the table has the '
        'numbers.',
        lambda path: plot_comparison(first, path),
    )
    joined = CsvFile('comparison.csv', partial(write_comparison_csv, comparisons))
    tables = map(comparison_table, comparisons)
    return Section('Answer', (*parts, figure, *tables, joined, *numbers))


def _file_of(search: Search, round_: Round, searches: int) -> str:
    """A sentence, after a blank, on the round that has a ticket, and on its file."""
    whose = f' of the search with seed {search.seed}' if searches > 1 else ''
    return f' It is of round {round_["round"]}{whose}: {round_["ticket"]} in its work_dir.'


def _numbers(searches: Searches) -> list[CsvFile]:
    names = [f'_{name.replace(os.sep, "_")}' for name in searches.names]
    return [
        CsvFile(
            f'results{name if len(searches) > 1 else ""}.csv',
            partial(write_results_csv, search.rounds),
        )
        for name, search in zip(names, searches)
    ]


def _searched(searches: Searches) -> str:
    first = searches.first
    lottery = first.lottery
    of_macs = ' of the multiply-adds' if 'budget' in lottery else ''
    seeds = ', '.join(str(search.seed) for search in searches)
    rewinding = f'rewinding {lottery.get("rewind_what")} to {lottery.get("rewind")}; '
    pruned = f'{first.planned - 1} pruning rounds to {first.target:.1%}{of_macs}; {rewinding}'
    if method := lottery.get('method'):
        once = f'pruned while training by {_name(method)} to {first.target:.1%}{of_macs}; '
        pruned = once + (rewinding if first.has_dense else '')
    return (
        f'{_branch(first)} {first.model}, {first.prunable:,} prunable weights; '
        f'{_name(lottery.get("score"))} scores, {_name(lottery.get("allocation"))} allocation, '
        f'{_name(lottery.get("pattern"))} pattern; {pruned}'
        f'{"seed" if len(searches) == 1 else "seeds"} {seeds}.'
    )


def _branch(search: Search) -> str:
    """What is special about a branch; it stands before what it shares with its search."""
    if search.control is not None:
        of = search.branch.get('tickets')
        rounds = f' of rounds {", ".join(map(str, of))}' if of else ''
        return (
            f'A control, {_name(search.control)}{rounds} by seed {search.branch.get("seed")}, and '
            'no search. Its search:'
        )
    return 'A branch, which shares the dense round of its search:' if search.branch else 'Searched:'


def _caveats(searches: Searches) -> list[str]:
    if not any(search.rounds and saved(search.rounds[0]) for search in searches):
        return []
    return [
        'Early-bird ended the dense round early, so what is compared with is no dense model that '
        'was trained in full.'
    ]


def _progress(searches: Searches) -> list[str]:
    running = [s for s in searches if len(s.rounds) < s.planned]
    return [
        f'Seed {search.seed} is not finished: {len(search.rounds)} of {search.planned} rounds are '
        'done.'
        for search in running
    ]


def _mixed(searches: Searches) -> list[str]:
    """A warning of searches that differ in more than the seed."""
    first = searches.first
    return [
        f'Seed {other.seed} differs from seed {first.seed} in more than the seed: '
        f'{join_names(others)}. What is said over seeds mixes both.'
        for other in searches.every[1:]
        if (others := _other_settings(first, other))
    ]


def _other_settings(first: Search, second: Search) -> list[str]:
    lines = differences(first.settings, second.settings)
    return [line for line in lines if not line.startswith('randomness.')]


def _name(choice: object) -> str:
    """Names a choice that is given by its name, or by a dict with its options."""
    if not isinstance(choice, dict):
        return str(choice)
    options = ', '.join(f'{key} {value}' for key, value in choice.items() if key != 'type')
    return f'{choice["type"]} ({options})' if 'type' in choice else options
