"""What the display of a search shows of a round."""

import functools
from datetime import timedelta

from mmlth.engine.display import metrics_text
from mmlth.engine.evaluation import short_metrics
from mmlth.engine.hooks import DisplayHook
from mmlth.engine.rounds.round import Round
from mmlth.engine.rounds.round_length import iterations_to_come
from mmlth.engine.state import Search


def display_hook(search: Search, round_: Round) -> DisplayHook:
    """Makes the hook that tells the display where a round is.

    Args:
        search: The search.
        round_: The round, before it is trained.
    """
    rounds = search.state.rounds
    return DisplayHook(
        search.display,
        _title(search, round_),
        functools.partial(iterations_to_come, search, round_.index, round_.plan.pace),
        rounds_done=len(rounds),
        rounds=len(search.state.schedule),
        dense=rounds[0]['metrics'] if rounds else None,
    )


def show_done(search: Search, round_: Round) -> None:
    """Says what a round ended with, once it is recorded.

    Args:
        search: The search.
        round_: The round.
    """
    dense, record = search.state.rounds[0], search.state.rounds[-1]
    duration = timedelta(seconds=round(record['seconds']))
    reference = short_metrics(dense['metrics']) if record is not dense else None
    text = metrics_text(short_metrics(record['metrics']), reference)
    search.display.line(f'{_title(search, round_)}, done in {duration}: {text}'.removesuffix(': '))


def _title(search: Search, round_: Round) -> str:
    last = search.state.last_round
    name = f'round {round_.index} of {last}' if last else 'one training'
    return f'{name}, sparsity {round_.sparsity:.1%}'
