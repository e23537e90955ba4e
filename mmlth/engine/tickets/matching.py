"""Whether weights are those of a model."""

from collections.abc import Collection, Mapping
from typing import Any

from mmengine.model import BaseTTAModel, is_model_wrapper
from torch import Tensor, nn

from mmlth.messages import join_names
from mmlth.pruning import LOG_DEVIATION, identity
from mmlth.ticket import TicketMismatchError


def require_match(path: str, state: Mapping[str, Tensor], model: nn.Module) -> None:
    """Refuses a ticket of another architecture.

    Args:
        path: The file of the ticket, for messages.
        state: The state dict that the ticket holds.
        model: The model that it is to be loaded into; it may be wrapped.

    Raises:
        TicketMismatchError: Naming the first parameters that either side lacks, or whose shapes
            differ.
    """
    bare: Any = model
    while is_model_wrapper(bare) or isinstance(bare, BaseTTAModel):
        bare = bare.module
    own = bare.state_dict()
    state = without_aliases(state, own)
    unknown = [name for name in state if name not in own]
    missing = [
        name
        for name in own
        if name not in state
        and 'num_batches_tracked' not in name  # as MMEngine has it
        and not name.endswith(LOG_DEVIATION)  # Gaussian weights begin with means alone
    ]
    shapes = [
        f'{name} {tuple(state[name].shape)} in the ticket, {tuple(own[name].shape)} in the model'
        for name in state
        if name in own and state[name].shape != own[name].shape
    ]
    differences = [
        f'{what}: {join_names(names)}'
        for what, names in (
            ('the model lacks', unknown),
            ('the ticket lacks', missing),
            ('other shapes', shapes),
        )
        if names
    ]
    if differences:
        raise TicketMismatchError(
            f'{path} is a ticket of another model than {type(model).__name__}; nothing was '
            f'loaded; {"; ".join(differences)}'
        )


def without_aliases(state: Mapping[str, Tensor], known: Collection[str]) -> dict[str, Tensor]:
    """A state dict without unknown names of tensors that have a known name as well.

    Some models, such as MMDetection's DDQ, give modules second names when they first train.

    Args:
        state: A state dict.
        known: The names that the model has without them.
    """
    tensors = {identity(tensor) for name, tensor in state.items() if name in known}
    return {
        name: tensor
        for name, tensor in state.items()
        if name in known or identity(tensor) not in tensors
    }
