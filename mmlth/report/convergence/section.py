"""How fast the rounds of searches converge."""

from collections.abc import Sequence
from functools import partial

from mmlth.engine.evaluation import main_among
from mmlth.messages import join_names
from mmlth.report.convergence.convergence_plot import plot_convergence
from mmlth.report.convergence.convergence_table import convergence_table, write_convergence_csv
from mmlth.report.convergence.curves import TRAIN_LOSS, VALIDATION_LOSS
from mmlth.report.convergence.runs import Line, Run, label_of, lines_of, read_runs
from mmlth.report.page import CsvFile, Details, Figure, Part, Section
from mmlth.report.searches import Searches

_MOST_ROWS = 12
"""How many rows a table may have that shows the branches, too."""


def convergence_section(searches: Searches) -> Section | None:
    """The metric and the loss against epochs, and how long rounds take to the dense result.

    Args:
        searches: The searches of the page.

    Returns:
        The section; None where no round was validated more than once.
    """
    runs, notes = _of_one_unit(read_runs(searches))
    own = [run for run in runs if not run.branch]
    metrics = dict.fromkeys(name for run in own for name in run.curves.metrics)
    main = main_among(list(metrics)) if searches.metric is None else [searches.metric]
    shown = [name for name in main if _shows_progress(own, name)][:1]
    if not shown:
        return None
    losses = [VALIDATION_LOSS, TRAIN_LOSS]
    shown += [name for name in losses if _shows_progress(own, name)][:1]
    several = len({run.search for run in own})
    compared = shown if searches.first.has_dense else []
    tables = [
        table
        for name in compared
        if name != TRAIN_LOSS
        for table in _tables(lines_of(runs), name, several)
    ]
    introduction = _introduction(own) if searches.first.has_dense else ''
    text = ' '.join([introduction, *notes]).strip()
    numbers = CsvFile('convergence.csv', partial(write_convergence_csv, runs))
    figure = _figure(lines_of(own), shown, several)
    return Section('Convergence', (*([text] if text else []), figure, *tables, numbers))


def _of_one_unit(runs: Sequence[Run]) -> tuple[list[Run], list[str]]:
    """The runs that are counted as the first is, and a sentence on the others.

    Of epochs and iterations there is no mean.
    """
    measured = [run for run in runs if run.curves.names]
    if not measured:
        return [], []
    unit = measured[0].curves.unit
    others = dict.fromkeys(
        f'{run.search} {run.branch}'.strip() for run in measured if run.curves.unit != unit
    )
    notes = [f'Left out, since they do not count {unit}: {join_names(others)}.'] if others else []
    return [run for run in measured if run.curves.unit == unit], notes


def _shows_progress(runs: Sequence[Run], name: str) -> bool:
    return any(run.curves.shows_progress(name) for run in runs)


def _tables(lines: Sequence[Line], name: str, searches: int) -> list[Part]:
    """One table of all; of many rows the branches have one of their own, which is not opened."""
    if len(lines) <= _MOST_ROWS:
        return [convergence_table(lines, name, searches)]
    own = [line for line in lines if not line[0].branch]
    others = [line for line in lines if line[0].branch]
    tables: list[Part] = [convergence_table(own, name, searches)]
    if others:
        table = convergence_table(others, name, searches)
        tables.append(Details(f'Branches, {label_of(name)}', table))
    return tables


def _introduction(runs: Sequence[Run]) -> str:
    text = (
        f'What was measured while the rounds trained, against the {runs[0].curves.unit} of the '
        'training schedule: rounds that rewind start at the rewind step. Where a round reaches a '
        'share of what the dense model ends with is told by validations alone, so it may be late '
        'by the time between two of them.'
    )
    if _shows_progress(runs, VALIDATION_LOSS):
        return text
    return f'{text} No validation loss was computed; lottery.validation_loss=True asks for it.'


def _figure(lines: Sequence[Line], names: list[str], searches: int) -> Figure:
    what = ' and '.join(label_of(name) for name in names)
    count = len(lines) - 1
    unit = lines[0][0].curves.unit
    if lines[0][0].round.sparsity:  # trained once, by a method
        return Figure(
            'convergence',
            f'{what}. Dashed: where it ends.',
            f'Curve of {what} against {unit}.',
            lambda path: plot_convergence(lines, names, path),
        )
    several = f' Thin: each of {searches} searches; thick: their mean.' if searches > 1 else ''
    return Figure(
        'convergence',
        f'Round by round: {what}. Grey: the dense model; the sparser a round, the paler its line. '
        f'Dashed: what the dense model ends with.{several}',
        f'Curves of {what} against {unit}: the dense model and {count} pruned rounds.',
        lambda path: plot_convergence(lines, names, path),
    )
