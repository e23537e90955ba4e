"""What TIDE's errors cost, models side by side, as a picture."""

from pathlib import Path

from mmlth.analysis.detection import MAIN, SPECIAL, Tide
from mmlth.report.kit import figure_at, model_styles, row_axis
from mmlth.report.predictions.tide_table import ap_at_iou, error_gain, error_label


def plot_tide(tide: Tide, path: Path) -> None:
    """Draws what each error costs, a bar a model, as PNG or SVG.

    Args:
        tide: The errors of models on one data set.
        path: The file to write.
    """
    styles = model_styles(list(tide.models))
    names = (*MAIN, '', *SPECIAL)
    bar = max(0.12, 0.3 / len(styles))  # inches
    rows = [
        (error_label(name) if name else '', bar * len(styles) + 0.1 if name else 0.1)
        for name in names
    ]
    with figure_at(path, 8, sum(height for _, height in rows) + 1.1) as figure:
        axes = figure.subplots()
        middles = [middle for middle, name in zip(row_axis(axes, rows), names) if name]
        for index, (model, errors) in enumerate(tide.models.items()):
            bars = axes.barh(
                [middle + bar * (index + 0.5 - len(styles) / 2) for middle in middles],
                [error_gain(errors, name) for name in names if name],
                height=0.9 * bar,
                color=styles[model].colour,
                hatch=styles[model].hatch,
                edgecolor='white',
                linewidth=0,
                label=f'{model} (AP {errors.ap:.3f})',
            )
            axes.bar_label(bars, fmt='%.3f', fontsize=7, padding=2, color='#444444')
        axes.margins(x=0.08)
        axes.set_xlabel(f'gain in {ap_at_iou(tide)} where all errors of a kind are mended')
        figure.legend(loc='outside upper right', ncols=3, frameon=False)
