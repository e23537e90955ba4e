"""The results of a search as a table in the terminal."""

from collections.abc import Sequence
from typing import cast

from rich.table import Table
from rich.text import Text

from mmlth.engine.evaluation import short_names
from mmlth.report.kit import ABSENT, plain_table, signed
from mmlth.report.searches import (
    Round,
    TrainingCost,
    is_dense,
    macs_left,
    main_metrics,
    measured,
    saved,
    trained_unit,
)

_CAPTION = """\
sparsity: of the prunable weights
network: sparsity of all parameters"""
_DIFFERENCES = '+/-: against round 0'
_MACS = 'MACs: share of the multiply-adds that is left'


def results_table(
    rounds: Sequence[Round],
    metrics: Sequence[str] | None = None,
    cost: TrainingCost | None = None,
) -> Table:
    """Lays out the rounds of a search, each metric with its difference to the dense model.

    Four metrics take 90 columns; where there are fewer, differences wrap to below their values.

    Args:
        rounds: The rounds of the search.
        metrics: The metrics to show. Defaults to the main ones, see `main_metrics`.
        cost: What the rounds cost together, if that is known.

    Returns:
        The table, to be printed by a ``rich.console.Console``.
    """
    metrics = main_metrics(rounds) if metrics is None else metrics
    table = plain_table('round', numbers=True)
    counted = any(macs_left(round_) is not None for round_ in rounds)
    notes = [*[_DIFFERENCES] * (not rounds or is_dense(rounds[0])), *[_MACS] * counted]
    table.caption = '\n'.join([_CAPTION, *notes, *_early_bird(rounds), *_cost(cost)])
    table.caption_justify = 'left'
    for header in ('sparsity', 'network', *['MACs'] * counted):
        table.add_column(header, justify='right', no_wrap=True)
    unit = trained_unit(rounds)
    if unit is not None:
        table.add_column(unit, justify='right', no_wrap=True)
    for name in short_names(metrics):
        # As Text, for a name is no markup: it may have brackets of its own.
        table.add_column(Text(name, overflow='fold'))
    table.add_column('time', justify='right', no_wrap=True)
    for round_ in rounds:
        table.add_row(
            str(round_['round']),
            f'{round_["sparsity"]:.2%}',
            f'{round_["network_sparsity"]:.2%}',
            *[_macs(round_)] * counted,
            *([] if unit is None else [_length(round_, unit)]),
            *(_cell(round_, rounds[0], name) for name in metrics),
            clock(round_['seconds']),
        )
    return table


def clock(seconds: float) -> str:
    """Writes a duration as h:mm:ss."""
    minutes, second = divmod(round(seconds), 60)
    hour, minute = divmod(minutes, 60)
    return f'{hour}:{minute:02}:{second:02}'


def _macs(round_: Round) -> str:
    left = macs_left(round_)
    return ABSENT if left is None else f'{left:.2%}'


def _length(round_: Round, unit: str) -> str:
    """How long a round trained, and of how long a training, where it ended early: ``7 of 12``."""
    record = cast(dict[str, float], round_)
    trained, spared = record.get(unit), record.get(f'saved_{unit}')
    if trained is None:
        return ABSENT
    return f'{trained:g} of {trained + spared:g}' if spared else f'{trained:g}'


def _early_bird(rounds: Sequence[Round]) -> list[str]:
    """What early-bird saved, and that round 0 is then no model to compare with."""
    spared = sum(map(saved, rounds))
    if not spared:
        return []
    planned = spared + sum(round_.get('iterations', 0) for round_ in rounds)
    lines = [f'early-bird saved {spared:,} of {planned:,} iterations ({spared / planned:.0%})']
    if saved(rounds[0]):
        lines.append('round 0 ended early, too: it is no dense model trained in full')
    return lines


def _cost(cost: TrainingCost | None) -> list[str]:
    return [] if cost is None else [f'all rounds: {cost}']


def _cell(round_: Round, dense: Round, metric: str) -> Text:
    value, reference = measured(round_, metric), measured(dense, metric)
    if value is None:
        return Text(ABSENT)
    cell = Text(f'{value:.3f}')
    if reference is not None and round_ is not dense:
        cell.append(f' {signed(value - reference, 3)}', style='dim')
    return cell
