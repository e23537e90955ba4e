"""The report on searches: its files, and its summary in the terminal."""

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from mmlth.console import output_console
from mmlth.engine.configs import searched_config
from mmlth.engine.state import SearchPaths
from mmlth.report.answer import answer_section, comparison_table, find_winning_ticket, results_table
from mmlth.report.convergence import convergence_section
from mmlth.report.cost import cost_section
from mmlth.report.kit import percent
from mmlth.report.masks import layers_section, masks_section
from mmlth.report.page import Section, write_page
from mmlth.report.predictions import analysis_sections, predict_all
from mmlth.report.searches import (
    Search,
    Searches,
    compare_searches,
    read_search,
    read_searches,
    training_cost,
)
from mmlth.report.writing.settings_section import settings_section
from mmlth.ticket import load_ticket

_LACKING = Section(
    'Predictions',
    (
        'What the models find, miss and confuse, and sample images, are not part of this page: '
        '`mmlth report WORK_DIR` adds them.',
    ),
)


def write_report(
    work_dirs: Sequence[Path], folder: Path | None = None, metric: str | None = None
) -> Path:
    """Writes ``report.html``, ``report.md``, CSVs and plots of searches, finished or not.

    Args:
        work_dirs: The work_dirs of searches that differ by seed; their branches are found below
            them. What is shown of layers and zero parts is of the first.
        folder: Where to write; by default ``report/`` in the first of them.
        metric: The one that counts; by default the first of the main ones.

    Returns:
        The path of the page.

    Raises:
        FileNotFoundError: If a work_dir holds no search.
        ValueError: If the searches cannot be compared, or lack the metric.
        TicketError: If a ticket cannot be read.
    """
    return write_searches(read_searches(work_dirs, metric), folder)


def write_searches(
    searches: Searches, folder: Path | None = None, analyses: Sequence[Section] = ()
) -> Path:
    """The same of searches that have been read.

    Args:
        searches: The searches of the page.
        folder: Where to write; by default ``report/`` in the work_dir of the first.
        analyses: The sections on predictions, see `analyse_predictions`.

    Returns:
        The path of the page.

    Raises:
        ValueError: If the searches cannot be compared, or lack the metric.
        TicketError: If a ticket cannot be read.
    """
    first = searches.first
    sections = [
        answer_section(searches, compare_searches(searches)),
        layers_section(searches),
        masks_section(searches),
        convergence_section(searches),
        *(analyses or [_LACKING] * (len(first.rounds) > 1)),
        cost_section(searches),
        settings_section(searches),
    ]
    return write_page(
        f'Lottery tickets of {first.model}',
        [section for section in sections if section is not None],
        folder or first.work_dir / 'report',
    )


def analyse_predictions(searches: Searches, folder: Path) -> list[Section]:
    """Analyses of what the dense model and the sparsest winning ticket of a search predict.

    Where no ticket wins, it is the last one of the first search.

    Args:
        searches: The searches of the page.
        folder: The folder of the report; predictions are kept below it.

    Returns:
        The sections; none while no pruned round is done.

    Raises:
        FileNotFoundError: If a config or a ticket is gone.
        LotteryError: If the config evaluates no objects.
        ModuleNotFoundError: If a package that the config needs is missing.
        TicketError: If a ticket cannot be read.
        ValueError: If a model predicts nothing, or there is nothing to find.
    """
    first = searches.first
    if len(first.rounds) < 2:
        return []
    comparisons = compare_searches(searches)
    winner = find_winning_ticket(comparisons[0]).found_in(searches) if comparisons else None
    search, chosen = winner or (first, first.rounds[-1])
    tickets = {
        'dense': load_ticket(search.ticket(search.rounds[0])),
        f'ticket at {percent(chosen["sparsity"])}': load_ticket(search.ticket(chosen)),
    }
    config = searched_config(SearchPaths(search.work_dir).state)
    sections = analysis_sections(predict_all(config, tickets, Path(folder) / 'predictions'))
    if len(searches) == 1:
        return sections
    note = f'Of the search with seed {search.seed}.'
    return [Section(section.title, (note, *section.parts)) for section in sections]


def print_results(work_dir: Path, page: Path | None = None) -> None:
    """Prints the results of a search and the path of its page, if that was written.

    Args:
        work_dir: The work_dir of the search.
        page: Its report.
    """
    console = output_console()
    console.print(_results(read_search(work_dir)))
    if page is not None:
        console.out(f'report: {page}', highlight=False)


def print_searches(searches: Searches) -> None:
    """Prints the results of a single search, and a table a metric where lines can be compared.

    Args:
        searches: The searches, which differ by seed.
    """
    console = output_console()
    if len(searches) == 1:
        console.print(_results(searches.first, searches.metric))
    if len(searches) > 1 or searches.branches[0]:
        for comparison in compare_searches(searches):
            console.print(comparison_table(comparison))


def _results(search: Search, metric: str | None = None) -> Table:
    metrics = None if metric is None else [metric]
    return results_table(search.rounds, metrics, training_cost(search))
