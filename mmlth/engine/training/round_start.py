"""What a pruning round starts from: the state of the rewind step, changed as ``rewind_what`` says.

What is at its state of step k: weights, norm statistics, optimizer state, schedules, counters,
EMA, AMP scaler, message hub, random number generators. What starts as if new, because a round is
a training of its own: CheckpointHook's best score and list of files (they would name, and delete,
another round's files), EarlyStoppingHook's patience, PipelineSwitchHook and other hooks that
MMEngine does not store (they find their state from the epoch they start in).
"""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

_OF_ANOTHER_ROUND = ('best_score', 'best_ckpt', 'keep_ckpt_ids', 'last_ckpt')


StateTransform = Callable[[dict[str, Any]], None]
"""Turns the state of step k into the state that a round starts from: changes a checkpoint."""


def round_start(
    rewind_what: str, trained: Mapping[str, Tensor], learning_rates: Any
) -> StateTransform:
    """The function that turns the state of step k into the state that a round starts from.

    Args:
        rewind_what: ``'weights'``, ``'learning_rate'`` or ``'nothing'``.
        trained: The weights that the round before ended with.
        learning_rates: The learning rates that round 0 ended with; see `learning_rates`.

    Returns:
        A function that changes a checkpoint of MMEngine in place.
    """

    def start(checkpoint: dict[str, Any]) -> None:
        hub = checkpoint['message_hub']
        for part in (hub['runtime_info'], hub['resumed_keys']):
            for key in [key for key in part if key.startswith(_OF_ANOTHER_ROUND)]:
                del part[key]
        if rewind_what == 'weights':
            return
        checkpoint['state_dict'] = dict(trained)
        # Averages and moments belong to weights that this round does not start from.
        checkpoint.pop('ema_state_dict', None)
        for optimizer in _optimizers(checkpoint['optimizer']):
            optimizer['state'] = {}
        if rewind_what == 'nothing':
            checkpoint.pop('param_schedulers', None)
            for optimizer, rates in zip(_optimizers(checkpoint['optimizer']), learning_rates):
                for group, rate in zip(optimizer['param_groups'], rates):
                    group['lr'] = rate

    return start


def weights_start(weights: Mapping[str, Tensor]) -> StateTransform:
    """The function by which a round starts from these weights alone, as if new otherwise.

    Args:
        weights: θ_k, or those that the round before ended with.
    """

    def start(checkpoint: dict[str, Any]) -> None:
        checkpoint['state_dict'] = dict(weights)
        checkpoint.pop('ema_state_dict', None)  # averages begin as copies of the weights

    return start


def learning_rates(optimizer: Mapping[str, Any]) -> list[list[float]]:
    """The learning rate of each parameter group of each optimizer in a state dict."""
    return [
        [float(group['lr']) for group in state['param_groups']] for state in _optimizers(optimizer)
    ]


def _optimizers(state: Mapping[str, Any]) -> list[Any]:
    """The state dicts of the optimizers in that of an OptimWrapper or OptimWrapperDict."""
    return (
        [state] if 'param_groups' in state else [v for v in state.values() if isinstance(v, dict)]
    )
