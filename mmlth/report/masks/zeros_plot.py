"""Kernels and channels that are wholly zero, round by round, as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes

from mmlth.analysis.masks import PART_KINDS, Kind, Layer, by_module, zero_parts
from mmlth.report.kit import GREY, Style, despine, figure_at, style
from mmlth.report.masks.zeros_table import ALL, KIND_TITLES
from mmlth.report.searches import RoundTicket


def plot_zeros(tickets: Sequence[RoundTicket], path: Path) -> None:
    """Draws the shares that are wholly zero, a panel a kind and a line a module, PNG or SVG.

    A dotted line is what chance would empty in all modules together.

    Args:
        tickets: The tickets of one model, in the order of their sparsity.
        path: The file to write.
    """
    modules = list(by_module(tickets[0].profile.layers))
    styles = {module: style(number) for number, module in enumerate(modules)}
    with figure_at(path, 9, 3.8) as figure:
        panels = figure.subplots(1, len(PART_KINDS), sharey=True)
        for axes, kind in zip(panels, PART_KINDS):
            _draw(axes, tickets, kind, styles)
            axes.set_title(KIND_TITLES[kind], fontsize=9)
        panels[0].set_ylabel('wholly zero (%)', fontsize=9)
        of_rounds = all(ticket.name.startswith(_ROUND) for ticket in tickets)
        figure.supxlabel('round' if of_rounds else 'ticket', fontsize=9)
        handles, labels = panels[-1].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc='outside upper center', ncols=6, frameon=False, fontsize=8
        )


def _draw(
    axes: Axes,
    tickets: Sequence[RoundTicket],
    kind: Kind,
    styles: Mapping[str, Style],
) -> None:
    rounds = [ticket.round['round'] for ticket in tickets]
    for module, (colour, marker, *_) in styles.items():
        shares = [
            _share(by_module(ticket.profile.layers).get(module, []), kind) for ticket in tickets
        ]
        axes.plot(rounds, shares, color=colour, marker=marker, markersize=4, label=module)
    parts = [zero_parts(ticket.profile.layers, kind) for ticket in tickets]
    shares = [_NAN if part is None else 100 * part.share for part in parts]
    axes.plot(rounds, shares, color=GREY, alpha=0.6, linewidth=3, label=ALL)
    chance = [_NAN if part is None else 100 * part.chance_share for part in parts]
    axes.plot(rounds, chance, color='black', linestyle=':', label=f'{ALL}, by chance')
    labels = [ticket.name.removeprefix(_ROUND) for ticket in tickets]
    axes.set_xticks(rounds, labels, rotation=90 if max(map(len, labels)) > 2 else 0)
    axes.tick_params(labelsize=8 if len(labels) < 16 else 6)
    despine(axes)


_NAN = float('nan')
_ROUND = 'round '


def _share(layers: Sequence[Layer], kind: Kind) -> float:
    parts = zero_parts(layers, kind)
    return _NAN if parts is None else 100 * parts.share
