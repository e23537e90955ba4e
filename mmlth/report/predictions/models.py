"""Models side by side: what each of them finds in the same images."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from mmlth.engine.evaluation import PREDICTION_KINDS, DataSet, Predictions, Predictor
from mmlth.ticket import Ticket


@dataclass(frozen=True)
class Models:
    """Models and their predictions on one data set.

    Attributes:
        config: Their config, MMEngine's; its ``val_dataloader`` is that of the data set.
        data: What there is to find.
        predictions: What each model predicts, by its name; the dense model first.
    """

    config: Any
    data: DataSet
    predictions: Mapping[str, Predictions]

    @property
    def kinds(self) -> list[str]:
        """What all of them predict: ``bbox``, ``segm``, ``keypoints``."""
        results = [each.results for each in self.predictions.values()]
        return [kind for kind in PREDICTION_KINDS if all(kind in each for each in results)]

    def results(self, kind: str) -> dict[str, list[dict[str, Any]]]:
        """The COCO results of a kind by name of the model."""
        return {name: each.results[kind] for name, each in self.predictions.items()}


def predict_all(
    config: Any, tickets: Mapping[str, Ticket], folder: Path, split: str = 'val'
) -> Models:
    """Finds what models predict, or reads what they predicted before; shows progress on stderr.

    Args:
        config: The config of the models: a file, a name or MMEngine's.
        tickets: The weights of each model by its name; the dense model first.
        folder: Where predictions are kept.
        split: ``val`` or ``test``.

    Raises:
        LotteryError: If the config has no such split, or the weights are of another model.
        TicketError: If a ticket holds no weights.
        ValueError: If no ticket is given.
    """
    if not tickets:
        raise ValueError('there is no model to predict with: give one ticket or more')
    predictor = Predictor(config, folder, split)
    predictions = {}
    with _progress() as progress:
        for name, ticket in tickets.items():
            predictions[name], data = predictor(ticket, _shown(progress, name))
    return Models(predictor.config, data, predictions)


@contextlib.contextmanager
def _progress() -> Iterator[Progress | None]:
    """Bars in a terminal; elsewhere rich would leave an empty line."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    with Progress(console=console, transient=True) as progress:
        yield progress


def _shown(progress: Progress | None, name: str) -> Callable[[int, int], None] | None:
    """A bar of its own for a model, from its first batch on."""
    if progress is None:
        return None
    task = progress.add_task(f'predictions of {name}', visible=False)
    return lambda done, of: progress.update(task, completed=done, total=of, visible=done < of)
