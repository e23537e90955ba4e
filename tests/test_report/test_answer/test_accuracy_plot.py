import math
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import matplotlib
import matplotlib.image
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmlth.report.answer import plot_accuracy
from mmlth.report.answer.accuracy_plot import percent_removed
from mmlth.report.searches import Round


@pytest.fixture
def draw(drawn: list[Figure], tmp_path: Path) -> Callable[[list[Round]], Axes]:
    """Draws rounds and hands out what was drawn."""

    def axes_of(rounds: list[Round]) -> Axes:
        plot_accuracy(rounds, tmp_path / 'accuracy.png')
        (axes,) = drawn[-1].axes
        return axes

    return axes_of


@pytest.fixture
def axes(search: list[Round], draw: Callable[[list[Round]], Axes]) -> Axes:
    return draw(search)


def values(axes: Axes) -> dict[str, list[float]]:
    """The heights of each curve, by its label."""
    return {
        str(line.get_label()): list(line.get_ydata())
        for line in axes.lines
        if len(line.get_ydata()) and not str(line.get_label()).startswith('_')
    }


def dense_lines(axes: Axes) -> list[float]:
    dashed = [line for line in axes.lines if line.get_linestyle() == '--' and len(line.get_ydata())]
    return [line.get_ydata()[0] for line in dashed]


def labels(axes: Axes) -> list[str]:
    """What stands at the axis of sparsity."""
    return [label.get_text() for label in axes.get_xticklabels()]


def test_writes_a_png(search: list[Round], tmp_path: Path) -> None:
    path = tmp_path / 'accuracy.png'
    plot_accuracy(search, path)
    assert path.read_bytes().startswith(b'\x89PNG\r\n\x1a\n')
    height, width, _ = matplotlib.image.imread(path).shape
    assert min(height, width) > 500


def test_a_search_that_just_began(search: list[Round], draw: Callable[[list[Round]], Axes]) -> None:
    axes = draw(search[:1])
    assert values(axes) == {'bbox_mAP': [0.369], 'bbox_mAP_50': [0.58]}
    assert labels(axes) == ['0']
    axes = draw([])
    assert values(axes) == {}
    assert labels(axes) == ['0']


@pytest.mark.parametrize('metrics', [{}, {'mAP': float('nan')}, {'mAP': -1.0}])
def test_a_search_without_a_measurement(
    make_round: Callable[..., Round],
    draw: Callable[[list[Round]], Axes],
    metrics: dict[str, float],
) -> None:
    axes = draw([make_round(0, 1000, metrics), make_round(1, 0, metrics)])
    assert all(math.isnan(height) for heights in values(axes).values() for height in heights)
    assert dense_lines(axes) == []
    assert labels(axes) == ['0', '99.90']  # a logarithmic axis has no 0 weights, but 1


def test_one_search_one_picture(search: list[Round], tmp_path: Path) -> None:
    plot_accuracy(search, tmp_path / 'one.png')
    with matplotlib.rc_context({'font.size': 30, 'axes.facecolor': 'black', 'lines.linewidth': 9}):
        plot_accuracy(search, tmp_path / 'two.png')
    assert (tmp_path / 'one.png').read_bytes() == (tmp_path / 'two.png').read_bytes()


def test_matplotlib_stays_as_it_was(search: list[Round], tmp_path: Path) -> None:
    script = f"""
import sys, pathlib, matplotlib, mmlth
had_pyplot = 'matplotlib.pyplot' in sys.modules
matplotlib.rcParams.update({{'font.size': 17, 'backend': 'svg'}})
before = dict(matplotlib.rcParams)
nan = float('nan')
from mmlth.report.answer import plot_accuracy
plot_accuracy({search!r}, pathlib.Path({str(tmp_path / 'x.png')!r}))
changed = {{key for key, value in matplotlib.rcParams.items() if value != before[key]}}
print(sorted(changed), ('matplotlib.pyplot' in sys.modules) == had_pyplot)
print(matplotlib.get_backend())
"""
    command = [sys.executable, '-c', script]
    result = subprocess.run(command, capture_output=True, text=True)  # noqa: S603
    assert result.stdout.split('\n') == ['[] True', 'svg', ''], result.stderr


def test_curves_skip_what_was_not_measured(axes: Axes) -> None:
    curves = {line.get_label(): line for line in axes.lines}
    assert curves['bbox_mAP'].get_xdata().tolist() == [1.0, 0.8, 0.64, 0.512]
    assert str(curves['bbox_mAP'].get_ydata().tolist()) == '[0.369, 0.3721, 0.3, nan]'
    assert str(curves['bbox_mAP_50'].get_ydata().tolist()) == '[0.58, nan, nan, nan]'


def test_each_curve_has_its_dense_line(axes: Axes) -> None:
    assert dense_lines(axes) == [0.369, 0.58]


@pytest.mark.parametrize(('saved', 'label'), [(0, 'dense model'), (9, 'dense, ended early')])
def test_a_dense_model_that_ended_early_is_called_so(
    search: list[Round], draw: Callable[[list[Round]], Axes], saved: int, label: str
) -> None:
    axes = draw([search[0] | {'saved_iterations': saved}, *search[1:]])
    assert label in [line.get_label() for line in axes.lines]


def test_rounds_stand_at_even_steps_from_dense_to_sparse(axes: Axes) -> None:
    assert labels(axes) == ['0', '20.0', '36.0', '48.8']
    pixels = axes.transData.transform([(tick, 0.3) for tick in axes.get_xticks()])[:, 0]
    steps = pixels[1:] - pixels[:-1]
    assert steps == pytest.approx([steps[0]] * 3)
    assert steps[0] > 0
    assert '%' in axes.get_xlabel()
    assert axes.get_ylabel()


@pytest.mark.parametrize('count', [16, 21, 40])
def test_crowded_labels_are_thinned_but_never_the_ends(
    make_round: Callable[..., Round], draw: Callable[[list[Round]], Axes], count: int
) -> None:
    counts = [round(10**9 * 0.8**number) for number in range(count)]
    rounds = [
        make_round(number, kept, {'mAP': 0.3}) | {'prunable': 10**9}
        for number, kept in enumerate(counts)
    ]
    axes = draw(rounds)
    assert (labels(axes)[0], labels(axes)[-1]) == ('0', percent_removed(counts[-1] / 10**9))
    assert 5 < len(labels(axes)) < 16
    boxes = [label.get_window_extent() for label in axes.get_xticklabels()]
    assert all(one.x1 < other.x0 for one, other in pairwise(boxes)), 'labels touch'


@pytest.mark.parametrize(
    ('density', 'label'),
    [
        (1.0, '0'),
        (0.9, '10.0'),
        (0.512, '48.8'),
        (0.01, '99.0'),
        (0.0038, '99.62'),
        (5e-4, '99.950'),
    ],
)
def test_labels_tell_high_sparsities_apart(density: float, label: str) -> None:
    assert percent_removed(density) == label
