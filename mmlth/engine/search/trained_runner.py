"""The user's Runner after a search: as one that has trained the last round itself."""

from mmengine.runner import Runner

from mmlth.engine.checkpoints import load_checkpoint_safely, newest_checkpoint
from mmlth.engine.models import bare_model
from mmlth.engine.state import Search
from mmlth.engine.tickets import without_aliases
from mmlth.ticket import load_ticket


def leave_trained(search: Search, trainer: Runner | None) -> None:
    """Gives the user's Runner the weights, counters and message hub that the last round ended with.

    What comes after, as ``runner.test()``, goes on from there, and loads no ``load_from``.

    Args:
        search: The search, whose rounds are done as far as they are to be.
        trainer: The Runner that trained the last of them; None: that was done before.
    """
    runner, index = search.runner, len(search.state.rounds) - 1
    ticket = load_ticket(search.paths.ticket(index))
    model = bare_model(runner)
    model.load_state_dict(without_aliases(ticket.state_dict(), model.state_dict().keys()))
    model.train(runner._val_loop is None)  # the last validation would have left it so
    runner._has_loaded = True
    if trainer is not None:
        # Its data are read already.
        runner._train_loop, trainer._train_loop = trainer.train_loop, None
        runner._train_loop._runner = runner
        runner.message_hub.load_state_dict(trainer.message_hub)
    else:
        _restore_counters(search, index)


def _restore_counters(search: Search, index: int) -> None:
    """Sets the Runner's counters and message hub to what a round that was done before left."""
    runner, record = search.runner, search.state.rounds[index]
    last = newest_checkpoint(runner.cfg, search.paths.round(index), runner.logger)
    loop = runner.train_loop
    # A search of before these were recorded is taken to have trained to the end.
    loop._iter = record.get('iter', loop.max_iters)
    loop._epoch = record.get('epoch', loop.max_epochs)
    if last is not None:
        runner.message_hub.load_state_dict(load_checkpoint_safely(last)['message_hub'])
    if runner._val_loop is None:
        return
    # The last validation comes after the last checkpoint, or came before it.
    logged = runner.message_hub.log_scalars
    for name, value in record['metrics'].items():
        key = f'val/{name}'
        if value is not None and not (key in logged and logged[key].current() == value):
            runner.message_hub.update_scalar(key, value)
