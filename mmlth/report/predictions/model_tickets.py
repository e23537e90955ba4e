"""Any models beside each other as the rounds of a search are: by their masks."""

from collections.abc import Mapping
from pathlib import Path

from mmlth.engine.configs import result_affecting_config
from mmlth.engine.models import stock_model
from mmlth.pruning import Mask, count_parameters
from mmlth.quiet import quiet
from mmlth.report.predictions.models import Models
from mmlth.report.searches import Round, RoundTicket
from mmlth.ticket import Ticket, save_ticket


def model_tickets(models: Models, tickets: Mapping[str, Ticket], folder: Path) -> list[RoundTicket]:
    """Writes models as tickets whose masks are of the same weights, so that they can be compared.

    They are the weights that the mask of any pruned model has. A model whose own mask lacks one
    keeps it: of two tickets by different ``lottery.targets``, or of a ticket and a checkpoint.

    Args:
        models: What they predict.
        tickets: The same models by name.
        folder: The folder to write to.

    Returns:
        A ticket a model, with its metrics; none where no model is pruned.
    """
    masks = [t.mask for t in tickets.values() if t.mask.kept < t.mask.total]
    covered = Mask.dense({name: kept for mask in masks for name, kept in mask.items()})
    if not covered:
        return []
    with quiet():
        parameters = count_parameters(stock_model(models.config))
    config = result_affecting_config(models.config, {})
    round_tickets = []
    for number, (name, ticket) in enumerate(tickets.items()):
        mask = Mask({key: ticket.mask.get(key, kept) for key, kept in covered.items()})
        metrics = {
            key: value
            for key, value in models.predictions[name].metrics.items()
            if value is not None
        }
        path = folder / f'{number:02}.safetensors'
        save_ticket(Ticket(mask, ticket.weights, {'config': config, **ticket.info}), path)
        record = Round(
            round=number,
            prunable=mask.total,
            kept=mask.kept,
            parameters=parameters,
            sparsity=mask.sparsity,
            network_sparsity=mask.network_sparsity(parameters),
            metrics=metrics,
            seconds=0.0,
            ticket=path.name,
        )
        round_tickets.append(RoundTicket(name, path.resolve(), record))
    return round_tickets
