"""A display that a terminal draws anew in its place."""

import contextlib
import os
import time
from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from mmlth.engine.display.display import Display
from mmlth.engine.display.standing import Standing, metric_cell

_SECONDS_BETWEEN_PICTURES = 0.25
_BAR = 24


class Terminal(Console):
    """One whose cursor stays: a process that is killed could not bring it back."""

    def show_cursor(self, show: bool = True) -> bool:
        """Leaves it.

        Args:
            show: What rich asks for.
        """
        return False


class LiveDisplay(Display):
    """Bars for the search and for its round, with the newest metrics below them.

    No thread draws it: a worker that is forked while one holds a lock would wait for ever.

    Args:
        console: The terminal.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(
            console=console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._drawn = 0.0
        self._process = os.getpid()

    @contextlib.contextmanager
    def drawing(self) -> Iterator[None]:
        """Draws within; whatever ends that, the terminal is left as it was."""
        with self._live:
            yield

    def line(self, text: str, style: str = '') -> None:
        """Writes it above the picture."""
        if os.getpid() != self._process:  # a worker, which has a copy of the picture
            print(text, file=self._console.file, flush=True)
        else:
            self._console.print(Text(text, style=style))

    def show(self, standing: Standing) -> None:
        """Draws it, unless that was done just now."""
        now = time.monotonic()
        if now - self._drawn >= _SECONDS_BETWEEN_PICTURES:
            self._drawn = now
            self._live.update(_picture(standing), refresh=True)

    def wait(self, text: str) -> None:
        """Draws the text alone."""
        self._drawn = 0.0
        self._live.update(Text(text, style='dim'), refresh=True)


def _picture(standing: Standing) -> RenderableType:
    bars = Table.grid(padding=(0, 2))
    if standing.rounds > 1:
        share = (standing.rounds_done + standing.share) / standing.rounds
        done = f'{standing.rounds_done} of {standing.rounds} rounds done'
        left = standing.time_left
        bars.add_row('search', _bar(share), f'{done}, {left}' if left else done)
        bars.add_row('round', _bar(standing.share), standing.place)
    else:
        bars.add_row('', _bar(standing.share), standing.place)
        bars.add_row('', '', standing.time_left)
    parts: list[RenderableType] = [Text(standing.title, style='bold'), bars]
    if standing.metrics or standing.dense:
        parts.append(_metrics(standing))
    return Group(*parts)


def _bar(share: float) -> ProgressBar:
    return ProgressBar(total=1, completed=share, width=_BAR)


def _metrics(standing: Standing) -> Table:
    """The newest metrics of the training above those of the dense round."""
    names = list({**standing.dense, **standing.metrics})
    table = Table('', box=None, padding=(0, 2, 0, 0), show_edge=False)
    for name in names:
        table.add_column(Text(name), justify='right')
    rows = {'newest': standing.metrics, 'dense': standing.dense}
    for label, row in rows.items():
        if row:
            table.add_row(label, *(metric_cell(row.get(name)) for name in names))
    return table
