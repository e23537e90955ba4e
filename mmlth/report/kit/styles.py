"""The looks of lines, points and bars, which differ in colour and in grey."""

from collections.abc import Sequence
from typing import NamedTuple

# Okabe and Ito's palette without its yellow, which is too light; markers tell curves apart in
# grey, too.
COLOURS = ('#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#000000')
GREY = '#555555'
"""The colour of the dense model."""

_MARKERS = 'os^DvPX'
_LINES = ('-', '--', ':')
_HATCHES = ('', '///', '...')


class Style(NamedTuple):
    """How a thing is drawn.

    Attributes:
        colour: The colour of all that is drawn of it.
        marker: The marker of its points.
        line: The style of its lines.
        hatch: The hatch of its bars.
    """

    colour: str
    marker: str
    line: str = '-'
    hatch: str = ''


DENSE = Style(GREY, 'o')
"""The style of the dense model."""


def style(number: int, taken: int = 0) -> Style:
    """The style of the thing of this number.

    Where colours are used up, they start again with other markers, lines and hatches.

    Args:
        number: Counted from 0.
        taken: How many of the first colours and markers are not to be used.
    """
    colours, markers = COLOURS[taken:], _MARKERS[taken:]
    lap, place = divmod(number, len(colours))
    again = lap % len(_LINES)
    return Style(
        colours[place], markers[(place + lap) % len(markers)], _LINES[again], _HATCHES[again]
    )


def model_styles(models: Sequence[str]) -> dict[str, Style]:
    """A style of each model: the dense one, which is the first, is grey.

    Args:
        models: The names of the models.
    """
    return dict(zip(models, [DENSE, *map(style, range(len(models) - 1))]))
