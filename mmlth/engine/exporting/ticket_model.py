"""The model of a ticket, and the size of its images."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config
from torch import nn

from mmlth.engine.configs import read_config, validation_size
from mmlth.engine.errors import LotteryError
from mmlth.engine.models import stock_model
from mmlth.engine.tickets import checkpoint_of, config_of, require_match
from mmlth.pruning import Mask
from mmlth.ticket import load_ticket


@dataclass(frozen=True)
class TicketModel:
    """The model of a ticket.

    Attributes:
        model: The model with the trained weights, the pruned ones zero; under no mask.
        mask: Which weights were kept.
        size: Height and width of its images, in pixels.
    """

    model: nn.Module
    mask: Mask
    size: tuple[int, int]


def ticket_model(
    ticket: str | Path,
    config: str | Path | Config | None = None,
    size: tuple[int, int] | None = None,
) -> TicketModel:
    """Builds the model of a ticket on the CPU, in evaluation mode.

    Args:
        ticket: A ticket file that holds trained weights.
        config: The config of the model: a file, a name such as ``mmdet::FOLDER/CONFIG.py``, or a
            config. By default it is what the ticket holds of it.
        size: Height and width of images in pixels; by default that of the config's validation
            images.

    Raises:
        TicketError: If it is no ticket, a damaged one, one without trained weights, or one of
            another model.
        LotteryError: If the file or its config cannot be read, or does not tell the size.
    """
    try:
        loaded = load_ticket(ticket)
    except OSError as error:
        problem = f'{ticket} cannot be read: {error.strerror}' if error.strerror else str(error)
        raise LotteryError(problem) from error
    state = checkpoint_of(loaded)['state_dict']
    if config is not None:
        known = read_config(config)
        settings = known.to_dict()
    elif settings := loaded.metadata('config'):
        known = config_of(loaded.info)
    else:
        raise LotteryError(
            f'{ticket} does not tell the config of its model; give it by --config (config; of '
            'mmlth bench: CONFIG), as a file or a name such as mmdet::FOLDER/CONFIG.py'
        )
    model = stock_model(known, {})  # weights come next
    size = size or _input_size(settings)
    require_match(str(ticket), state, model)
    model.load_state_dict(state, strict=False)  # batch counters of norm layers may be missing
    return TicketModel(model, loaded.mask, size)


def _input_size(config: Mapping[str, Any]) -> tuple[int, int]:
    """Height and width of the largest images that a validation of this config sees."""
    size = validation_size(config)
    if isinstance(size, str):
        raise LotteryError(
            f'the config does not tell the size of its images: {size}; give --input-size H W (size)'
        )
    places = (config.get('data_preprocessor'), config.get('model', {}).get('data_preprocessor'))
    divisor = max(_divisor(place or {}) for place in places)
    height, width = (math.ceil(side / divisor) * divisor for side in (size.height, size.width))
    return height, width


def _divisor(data_preprocessor: Mapping[str, Any]) -> int:
    """What the sides of validated images are padded to a multiple of."""
    of_segmenters = (data_preprocessor.get('test_cfg') or {}).get('size_divisor')
    return int(data_preprocessor.get('pad_size_divisor') or of_segmenters or 1)
