import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import matplotlib
import matplotlib.image
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmlth.report.answer import accuracy_plot as plot
from mmlth.report.answer import plot_accuracy
from mmlth.report.searches import Round, main_metrics


@pytest.fixture
def axes(search: list[Round]) -> Axes:
    axes = Figure().subplots()
    plot._draw_curves(axes, search, main_metrics(search))
    plot._draw_sparsity_axis(axes, search)
    return axes


def test_writes_a_png(search: list[Round], tmp_path: Path) -> None:
    path = tmp_path / 'accuracy.png'
    plot_accuracy(search, path)
    assert path.read_bytes().startswith(b'\x89PNG\r\n\x1a\n')
    height, width, _ = matplotlib.image.imread(path).shape
    assert min(height, width) > 500


@pytest.mark.parametrize('count', [0, 1])
def test_a_search_that_just_began(search: list[Round], tmp_path: Path, count: int) -> None:
    plot_accuracy(search[:count], tmp_path / 'accuracy.png')
    assert matplotlib.image.imread(tmp_path / 'accuracy.png').ndim == 3


@pytest.mark.parametrize('metrics', [{}, {'mAP': float('nan')}, {'mAP': -1.0}])
def test_a_search_without_a_measurement(
    make_round: Callable[..., Round], tmp_path: Path, metrics: dict[str, float]
) -> None:
    rounds = [make_round(0, 1000, metrics), make_round(1, 0, metrics)]
    plot_accuracy(rounds, tmp_path / 'accuracy.png')
    assert matplotlib.image.imread(tmp_path / 'accuracy.png').ndim == 3


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
    dashed = [line for line in axes.lines if line.get_linestyle() == '--' and len(line.get_ydata())]
    assert [line.get_ydata()[0] for line in dashed] == [0.369, 0.58]


@pytest.mark.parametrize(('saved', 'label'), [(0, 'dense model'), (9, 'dense, ended early')])
def test_a_dense_model_that_ended_early_is_called_so(
    search: list[Round], saved: int, label: str
) -> None:
    axes = Figure().subplots()
    rounds = [search[0] | {'saved_iterations': saved}, *search[1:]]
    plot._draw_curves(axes, rounds, main_metrics(rounds))
    assert label in [line.get_label() for line in axes.lines]


def test_rounds_stand_at_even_steps_from_dense_to_sparse(axes: Axes) -> None:
    assert [label.get_text() for label in axes.get_xticklabels()] == ['0', '20.0', '36.0', '48.8']
    pixels = axes.transData.transform([(tick, 0.3) for tick in axes.get_xticks()])[:, 0]
    steps = pixels[1:] - pixels[:-1]
    assert steps == pytest.approx([steps[0]] * 3)
    assert steps[0] > 0
    assert '%' in axes.get_xlabel()
    assert axes.get_ylabel()


@pytest.mark.parametrize('count', [16, 21, 40])
def test_crowded_labels_are_thinned_but_never_the_ends(count: int) -> None:
    densities = [0.8**number for number in range(count)]
    chosen = plot._spread(densities)
    assert (chosen[0], chosen[-1]) == (densities[0], densities[-1])
    assert 5 < len(chosen) < 16


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
    assert plot.percent_removed(density) == label
