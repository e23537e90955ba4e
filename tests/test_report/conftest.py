from collections.abc import Callable
from typing import Any

import pytest
from matplotlib.figure import Figure

from mmlth.report.searches import Round

PRUNABLE, PARAMETERS = 1000, 1250


@pytest.fixture
def make_round() -> Callable[..., Round]:
    """Makes the record of a round that keeps some of a toy model's 1000 prunable weights."""

    def make(number: int, kept: int, metrics: dict[str, float], seconds: float = 60.0) -> Round:
        return Round(
            round=number,
            prunable=PRUNABLE,
            kept=kept,
            parameters=PARAMETERS,
            sparsity=1 - kept / PRUNABLE,
            network_sparsity=(PRUNABLE - kept) / PARAMETERS,
            metrics=metrics,
            seconds=seconds,
            ticket=f'tickets/round_{number:02}.safetensors',
        )

    return make


@pytest.fixture
def search(make_round: Callable[..., Round]) -> list[Round]:
    """Three rounds of a detector, with the holes that real searches have."""
    nan = float('nan')
    return [
        make_round(0, 1000, {'coco/bbox_mAP': 0.369, 'coco/bbox_mAP_50': 0.58}, seconds=36_000.4),
        make_round(1, 800, {'coco/bbox_mAP': 0.3721, 'coco/bbox_mAP_50': nan}, seconds=3_599.6),
        make_round(2, 640, {'coco/bbox_mAP_s': -1.0, 'coco/bbox_mAP': 0.3, 'coco/bbox_mAP_50': -1}),
        make_round(3, 512, {}, seconds=61.2),
    ]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that are written from here on, to look at what is drawn in them."""
    figures: list[Figure] = []
    save = Figure.savefig

    def keep(figure: Figure, *args: Any, **kwargs: Any) -> None:
        figures.append(figure)
        save(figure, *args, **kwargs)

    monkeypatch.setattr(Figure, 'savefig', keep)
    return figures
