"""What a training does at an epoch or an iteration: it moves with the length of the training."""

from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

from mmengine.config import Config

Moved = Callable[[int], int]
"""Where something is in a training of another length."""


def move_switches(config: Config, epoch: Moved, iteration: Moved, last: int | None = None) -> None:
    """Moves all that the loop and the hooks of a config do at a certain time, in place.

    These are the first validation, changes of how often there is one, the begin of an average
    (``begin_epoch``, ``begin_iter``), and switches of pipelines, losses and the like
    (``switch_epoch``, ``epoch_attributes``, ``num_last_epochs``). How often something is done
    stays.

    Args:
        config: The config of a training; its loop still has its length.
        epoch: Where an epoch is in the other training.
        iteration: Where an iteration is.
        last: The number of epochs, by which what is counted from the end moves, too; None: that is
            left.
    """
    loop = config.train_cfg
    of_loop = epoch if loop.get('max_epochs') is not None else iteration
    if loop.get('val_begin') is not None:
        loop['val_begin'] = max(1, of_loop(loop['val_begin']))
    if loop.get('dynamic_intervals'):
        loop['dynamic_intervals'] = [(of_loop(at), n) for at, n in loop['dynamic_intervals']]
    for hook in hooks_of(config):
        for key, moved in (('switch_epoch', epoch), ('begin_epoch', epoch)):
            _move(hook, key, moved)
        _move(hook, 'begin_iter', iteration)
        if last is not None:
            _move(hook, 'num_last_epochs', lambda count: epoch(last) - epoch(last - count))
        if hook.get('epoch_attributes'):
            hook['epoch_attributes'] = _moved_changes(hook['epoch_attributes'], epoch)


def hooks_of(config: Config) -> Iterator[Any]:
    """The settings of all hooks of a config."""
    hooks = [*(config.get('custom_hooks') or []), *(config.get('default_hooks') or {}).values()]
    return (hook for hook in hooks if isinstance(hook, dict))


def _move(hook: MutableMapping[str, Any], key: str, moved: Moved) -> None:
    if isinstance(hook.get(key), int):
        hook[key] = moved(hook[key])


def _moved_changes(changes: MutableMapping[int, Any], epoch: Moved) -> dict[int, Any]:
    """Changes by epoch; those that come to the same epoch are made in their order."""
    together: dict[int, Any] = {}
    for at in sorted(changes):
        together.setdefault(epoch(at), {}).update(changes[at])
    return together
