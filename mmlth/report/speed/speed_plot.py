"""The speed of tickets as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from mmlth.analysis.speed import CONTENDERS, OWN, Median, Speed, Timing, median
from mmlth.report.kit import COLOURS, figure_at, row_axis
from mmlth.report.speed.speed_table import milliseconds

_ROW, _EDGE, _WIDTH = 0.27, 1.1, 4.6  # inches
_WHISKERS: dict[str, Any] = {'color': 'black', 'capsize': 2, 'linewidth': 1}
_SKIP_ZEROS = {contender.name for contender in CONTENDERS if contender.skips_zeros}


def plot_speeds(speeds: Mapping[str, Speed], path: Path) -> None:
    """Draws a bar a contender with its interval, a panel a ticket and number of threads.

    What skips zeros is coloured; what failed has its name and no bar. PNG or SVG by suffix.

    Args:
        speeds: What was measured of each ticket, by its name.
        path: The file to write.
    """
    columns = max(len(speed.threads) for speed in speeds.values())
    rows = max(len(s.at(n)) for s in speeds.values() for n in s.threads)
    height = len(speeds) * (_ROW * rows + _EDGE)
    with figure_at(path, _WIDTH * columns, height) as figure:
        grid = figure.subplots(len(speeds), columns, squeeze=False)
        for line, (name, speed) in zip(grid, speeds.items()):
            for axes in line[len(speed.threads) :]:
                axes.set_axis_off()
            for axes, threads in zip(line, speed.threads):
                _draw(axes, list(speed.at(threads).values()))
                count = f'{threads} {"thread" if threads == 1 else "threads"}'
                axes.set_title(f'{name}, {count}' if name else count, fontsize=9)


def _draw(axes: Axes, timings: Sequence[Timing]) -> None:
    middles = row_axis(axes, [(timing.contender, 1.0) for timing in timings])
    axes.tick_params(labelsize=8)
    axes.set_xlabel('ms an image', fontsize=8)
    limit = _limit([median(t.milliseconds) for t in timings if t.milliseconds])
    for middle, timing in zip(middles, timings):
        text, end = 'failed', 0.0
        if timing.milliseconds:
            value, low, high = median(timing.milliseconds)
            axes.barh(middle, value, 0.7, color=_colour(timing.contender))
            text, end = milliseconds(value), value
            if low is not None and high is not None:
                axes.errorbar(value, middle, xerr=[[value - low], [high - value]], **_WHISKERS)
                end = high
        at: dict[str, Any] = {'xytext': (4, 0), 'textcoords': 'offset points', 'va': 'center'}
        axes.annotate(text, (min(end, limit), middle), fontsize=8, annotation_clip=False, **at)
    axes.set_xlim(0, limit)


def _limit(medians: Sequence[Median]) -> float:
    """Where the axis ends: an interval that is far longer than all bars is cut off."""
    if not medians:
        return 1.0
    longest = max(m.value if m.high is None else m.high for m in medians)
    return 1.1 * min(longest, 2 * max(m.value for m in medians))


def _colour(contender: str) -> str:
    if contender == OWN:
        return COLOURS[0]
    return COLOURS[1] if contender in _SKIP_ZEROS else '#b0b0b0'
