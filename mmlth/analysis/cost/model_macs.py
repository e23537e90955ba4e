"""The work that the model of a ticket takes for an image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import nn

from mmlth.analysis.cost.macs import check_masks_model
from mmlth.errors import LotteryError
from mmlth.pruning import Macs
from mmlth.ticket import Ticket

# Tickets are inspected without MMEngine, too; only building their model needs the engine.


@dataclass(frozen=True)
class ModelMacs:
    """The MACs of a model for one image.

    Attributes:
        macs: The MACs.
        model: Class of the model.
        image: Height and width of the image in pixels.
        size: Height and width that the model sees, padding included.
        regions: Regions of the image that the second stage of a two-stage detector ran on: its
            MACs are in proportion to them. None for other models.
        left_out: Why the heads are not counted; None if they are.
    """

    macs: Macs
    model: str
    image: tuple[int, int]
    size: tuple[int, int]
    regions: int | None
    left_out: str | None


def model_macs(
    ticket: Ticket, height: int, width: int, config: str | Path | None = None
) -> ModelMacs:
    """Counts the MACs that the model of a ticket takes for an image.

    Args:
        ticket: The ticket.
        height: The height of the image in pixels.
        width: The width of the image in pixels.
        config: The config of the model, a file or a name; by default the one in the ticket.

    Raises:
        LotteryError: If there is no config, or its model cannot be built or run.
        TicketMismatchError: If the ticket belongs to another model.
    """
    from mmlth.engine.models import forward_macs

    model = _model(ticket, config)
    check_masks_model(ticket.mask, model)
    counted = forward_macs(model, height, width)
    return ModelMacs(
        counted.macs,
        type(model).__name__,
        (height, width),
        counted.size,
        counted.regions,
        counted.left_out,
    )


def _model(ticket: Ticket, config: str | Path | None) -> nn.Module:
    from mmlth.engine.configs import read_config
    from mmlth.engine.models import stock_model
    from mmlth.engine.tickets import config_of

    if config is not None:
        return stock_model(read_config(config), ticket.weights)
    own = config_of(ticket.info)
    try:
        return stock_model(own, ticket.weights)
    except LotteryError as error:
        raise LotteryError(
            f'{error}; the config is the one in the ticket, without its custom_imports: if it '
            'needs them, give the config (--config of mmlth inspect)'
        ) from error
