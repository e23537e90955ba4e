"""Sparse model soups (Zimmer et al., 2023): the mean of networks that share a mask, as a ticket."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmlth.engine.errors import LotteryError
from mmlth.engine.models import stock_model
from mmlth.engine.soup.ingredients import read_ingredients
from mmlth.engine.soup.metadata import shared_metadata
from mmlth.engine.soup.network import config_of_soup
from mmlth.engine.soup.statistics import with_statistics
from mmlth.engine.tickets import require_match
from mmlth.pruning import count_parameters
from mmlth.ticket import Ticket, load_info, load_ticket, mean_of


def soup(
    tickets: Sequence[str | Path],
    config: str | Path | Config | None = None,
    *,
    batches: int = 100,
    cfg_options: Mapping[str, Any] | None = None,
    progress: Callable[[str], None] = lambda doing: None,
) -> Ticket:
    """Averages networks that share a mask, such as branches by data order.

    Running statistics of batch norm layers are computed anew under the averaged weights: the means
    of theirs are those of no network. Layers whose statistics training keeps frozen keep them, as
    all tickets must share them. The order of the tickets makes no difference.

    Args:
        tickets: Two files or more.
        config: What tells the model and the training data, as for `mmlth.search`. By default that
            of the searches in whose folders the tickets lie; else the model that the tickets tell,
            which is enough where there are no statistics to compute.
        batches: From how many batches of training data running statistics are computed.
        cfg_options: Changes of the config by dotted key.
        progress: Told what is being done.

    Returns:
        A ticket like any other, which `mmlth.save_ticket` writes. Its ``info['soup']`` tells
        ``tickets`` (``name`` and ``sha256`` of each), from how many ``batches`` of which
        ``train_dataloader`` statistics were computed (0: there were none to compute), and how many
        batch norm layers were ``recomputed``, are ``frozen``, or were ``unreached`` by the data.

    Raises:
        LotteryError: On bad input; if there are statistics to compute, but no data; or if tickets
            differ in what has no mean.
        TicketError: If a file is no ticket with weights, or tickets are of different models or
            masks.
    """
    if batches < 1:
        raise LotteryError(f'batches (--batches) must be 1 or more, got {batches}')
    ingredients = read_ingredients(tickets)
    paths = [each.path for each in ingredients]
    progress(f'averaging {len(paths)} tickets')
    mean = mean_of((str(path), load_ticket(path)) for path in paths)
    infos = [load_info(path) for path in paths]
    cfg = config_of_soup(paths, infos, config, cfg_options)
    model = stock_model(cfg, mean.weights)
    require_match(str(paths[0]), mean.weights, model)
    made = with_statistics(mean, model, cfg, batches, progress)
    info = {
        **shared_metadata(infos, mean.mask, count_parameters(model)),
        'soup': {
            'tickets': [each.described for each in ingredients],
            'batches': 0 if made.data is None else batches,
            'recomputed': made.recomputed,
            'frozen': made.frozen,
            'unreached': made.unreached,
            'train_dataloader': made.data,
        },
    }
    return Ticket(mean.mask, made.weights, info)
