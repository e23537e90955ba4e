"""The report on searches: its files, and its summary in the terminal."""

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from mmlth.engine.configs import searched_config
from mmlth.engine.search import SearchPaths
from mmlth.report.answer import answer, answer_section, comparison_table, results_table
from mmlth.report.convergence import convergence_section
from mmlth.report.cost import cost_section
from mmlth.report.kit import percent
from mmlth.report.masks import layers_section, masks_section
from mmlth.report.page import Section, write_page
from mmlth.report.predictions import analysis_sections, predict_all
from mmlth.report.searches import (
    Comparison,
    compare,
    main_metrics,
    measured,
    read_rounds,
    read_search,
    rounds_by_line,
)
from mmlth.report.settings_section import settings_section
from mmlth.ticket import load_ticket

_LACKING = Section(
    'Predictions',
    (
        'What the models find, miss and confuse, and sample images, are not part of this page: '
        '`mmlth report WORK_DIR` adds them.',
    ),
)
# Rich would fold the table to 80 columns in a log file, which has no width.
LOG_WIDTH = 100


def write_report(
    work_dirs: Sequence[Path],
    folder: Path | None = None,
    metric: str | None = None,
    analyses: Sequence[Section] = (),
) -> Path:
    """Writes ``report.html``, ``report.md``, CSVs and plots of searches, finished or not.

    Args:
        work_dirs: Of searches that differ by seed; their branches are found below them. What is
            shown of layers and zero parts is of the first.
        folder: Where to write; by default ``report/`` in the first of them.
        metric: The one that counts; by default the first of the main ones.
        analyses: What `analysed` found.

    Returns:
        The path of the page.

    Raises:
        FileNotFoundError: If a work_dir holds no search.
        ValueError: If the searches cannot be compared, or lack the metric.
        TicketError: If a ticket cannot be read.
    """
    work_dirs = [Path(work_dir) for work_dir in work_dirs]
    first = work_dirs[0]
    searches = [read_search(work_dir) for work_dir in work_dirs]
    sections = [
        answer_section(searches, compared(work_dirs, metric), metric),
        layers_section(work_dirs),
        masks_section(work_dirs, metric),
        convergence_section(work_dirs, metric),
        *(analyses or [_LACKING] * (len(searches[0].rounds) > 1)),
        cost_section(work_dirs, metric=metric),
        settings_section(searches, metric),
    ]
    return write_page(
        f'Lottery tickets of {searches[0].model}',
        [section for section in sections if section is not None],
        folder or first / 'report',
    )


def analysed(work_dirs: Sequence[Path], folder: Path, metric: str | None = None) -> list[Section]:
    """Analyses of what the dense model and the sparsest winning ticket of a search predict.

    Where no ticket wins, it is the last one of the first search.

    Args:
        work_dirs: As for `write_report`.
        folder: Of the report; predictions are kept below it.
        metric: As for `write_report`.

    Returns:
        The sections; none while no pruned round is done.

    Raises:
        FileNotFoundError: If a search, its config or a ticket is gone.
        LotteryError: If the config evaluates no objects.
        ModuleNotFoundError: If a package that the config needs is missing.
        TicketError: If a ticket cannot be read.
        ValueError: If a model predicts nothing, or there is nothing to find.
    """
    searches = [read_search(Path(work_dir)) for work_dir in work_dirs]
    if len(searches[0].rounds) < 2:
        return []
    comparisons = compared(work_dirs, metric)
    winner = answer(comparisons[0]).found_in(searches) if comparisons else None
    search, chosen = winner or (searches[0], searches[0].rounds[-1])
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


def compared(work_dirs: Sequence[Path], metric: str | None = None) -> list[Comparison]:
    """Searches and their branches as lines, metric by metric; nothing where none was measured.

    Args:
        work_dirs: Of searches that differ by seed.
        metric: A single one; by default the main ones.

    Raises:
        FileNotFoundError: If a work_dir holds no search.
        ValueError: If the searches cannot be compared, or lack the metric.
    """
    dense, lines = rounds_by_line(work_dirs)
    if metric is not None:
        return [compare(dense, lines, metric)]
    names = main_metrics(dense)
    there = [name for name in names if any(measured(each, name) is not None for each in dense)]
    return [compare(dense, lines, name) for name in there]


def print_results(work_dir: Path, page: Path | None = None) -> None:
    """Prints the results of a search and the path of its page, if that was written.

    Args:
        work_dir: The work_dir of the search.
        page: Its report.
    """
    console = Console(width=None if sys.stdout.isatty() else LOG_WIDTH)
    console.print(results_table(read_rounds(work_dir)))
    if page is not None:
        console.out(f'report: {page}', highlight=False)


def print_comparison(comparisons: Sequence[Comparison]) -> None:
    """Prints a table a metric."""
    console = Console(width=None if sys.stdout.isatty() else LOG_WIDTH)
    for comparison in comparisons:
        console.print(comparison_table(comparison))
