"""What a weight costs, where ``lottery.budget`` counts multiply-adds."""

from collections.abc import Sequence

from mmengine.config import Config
from mmengine.dist import broadcast_object_list

from mmlth.engine.configs import validation_size
from mmlth.engine.errors import LotteryError
from mmlth.engine.models import forward_macs, stock_model
from mmlth.engine.settings import Settings
from mmlth.messages import reason
from mmlth.pruning import PruningError, Target

_REFUSED = "lottery.budget='macs' cannot tell what weights cost"


def weight_costs(
    settings: Settings, config: Config, targets: Sequence[Target]
) -> dict[str, int] | None:
    """The multiply-adds that one weight of each target takes, counted once a search.

    The model is built anew, with random weights, and runs on one image of the size that validated
    images have. Of several processes the first one's numbers count.

    Args:
        settings: The ``lottery`` key.
        config: The user's config.
        targets: The weights that may be pruned.

    Returns:
        Whole numbers of at least 1 by name, the same on every process; None where weights are
        counted.

    Raises:
        LotteryError: If the size is not known, or the multiply-adds of a target.
    """
    if not settings.counts_macs:
        return None
    size = validation_size(config)
    if isinstance(size, str):
        raise LotteryError(
            f'{_REFUSED}, since {size}; give val_dataloader a pipeline that does, or count weights '
            "(lottery.budget='weights')"
        )
    counted = forward_macs(stock_model(config), size.height, size.width)
    try:
        costs = counted.macs.per_weight({target.name: target.parameter for target in targets})
    except PruningError as error:
        why = f' ({counted.left_out})' if counted.left_out else ''
        raise LotteryError(
            f'{_REFUSED}: {reason(error)}{why}; leave these out by lottery.targets.exclude'
        ) from error
    first = [costs]
    broadcast_object_list(first)
    return first[0]
