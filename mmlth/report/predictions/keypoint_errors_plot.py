"""Errors of keypoints of several models side by side, as a picture."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib.axes import Axes

from mmlth.analysis.keypoints import ERRORS, RECALLS, KeypointErrors
from mmlth.report.kit import despine, figure_at, style
from mmlth.report.predictions.keypoint_errors_table import DETECTED, ap_cell

_STYLES = {name: style(number) for number, name in enumerate((*ERRORS, DETECTED))}
_APART = 3  # points by which markers are set off, so that curves that coincide can be told


def plot_keypoint_errors(models: Mapping[str, KeypointErrors], oks: float, path: Path) -> None:
    """Draws precision against recall, as detected and without each error, PNG or SVG by suffix.

    One panel a model; legends give the areas under the curves, which are average precisions.

    Args:
        models: The errors of each model by its name, at least one.
        oks: The threshold from which on a prediction is correct.
        path: The file to write.

    Raises:
        ValueError: If nothing was computed at this threshold.
    """
    with figure_at(path, 4.6 * len(models), 5.6) as figure:
        panels = figure.subplots(1, len(models), sharey=True, squeeze=False)[0]
        for axes, (name, errors) in zip(panels, models.items()):
            _draw(axes, errors, oks)
            axes.set_title(name)
        panels[0].set_ylabel(f'precision at OKS ≥ {oks:g}')


def _draw(axes: Axes, errors: KeypointErrors, oks: float) -> None:
    for index, name in enumerate((DETECTED, *ERRORS)):
        detected, (colour, marker, *_) = name == DETECTED, _STYLES[name]
        curve = errors.curve(oks, None if detected else name)
        # Down to 0 once: the rest would be a line along the axis under every other.
        heights = curve.precision[: 1 + sum(precision > 0 for precision in curve.precision)]
        axes.plot(
            RECALLS[: len(heights)],
            heights,
            drawstyle='steps-pre',
            color=colour,
            marker=marker,
            markersize=4.5,
            markevery=(_APART * index, _APART * len(_STYLES)),
            linewidth=2.4 if detected else 1.4,
            label=f'{ap_cell(curve.area)}  {name if detected else f"without {name}"}',
            zorder=3 if detected else 2,
        )
    axes.set_xlabel('recall')
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.02, 1.02)
    despine(axes)
    axes.legend(title='area, curve', loc='upper center', bbox_to_anchor=(0.5, -0.13), frameon=False)
