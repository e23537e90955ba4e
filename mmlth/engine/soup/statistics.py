"""Running statistics of a soup: computed anew where training changes them, else shared."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from mmengine.config import Config
from mmengine.device import get_device
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmlth.engine.configs import last_train_dataloader, plain_settings
from mmlth.engine.errors import LotteryError, one_line_if
from mmlth.engine.evaluation import recompute_statistics, trained_norms
from mmlth.engine.models import own_message_hub
from mmlth.engine.tickets import without_aliases
from mmlth.messages import join_names
from mmlth.pruning import identity
from mmlth.ticket import Mean

_STATISTICS = ('.running_mean', '.running_var')
_OF_SPECTRAL_NORM = ('_u', '_v')


@dataclass(frozen=True)
class SoupWeights:
    """The weights of a soup.

    Attributes:
        weights: Parameters and buffers by name.
        recomputed: Number of batch norm layers whose running statistics were computed anew.
        frozen: Number of those whose statistics training leaves alone, shared by all tickets.
        unreached: Number of those that no batch has reached, whose statistics all tickets share.
        data: The settings of the training data, if any were read.
    """

    weights: dict[str, Tensor]
    recomputed: int
    frozen: int
    unreached: int = 0
    data: Any = None


def with_statistics(
    mean: Mean, model: nn.Module, config: Config, batches: int, progress: Callable[[str], None]
) -> SoupWeights:
    """Gives the mean of tickets the running statistics that its network has.

    Args:
        mean: The mean of the tickets.
        model: The model, with these weights; it is changed.
        config: What tells the training data.
        batches: From how many batches of them the statistics are computed.
        progress: Told what is being done.

    Raises:
        LotteryError: If tickets differ in what has no mean; if there are statistics to compute,
            but no data; or if they cannot be computed.
    """
    trained = trained_norms(model)
    frozen = sum(map(_has_statistics, model.modules())) - len(trained)
    computed = _buffers(model, trained.values())
    _check_shared(mean, model, computed)
    if not trained:
        return SoupWeights(mean.weights, 0, frozen)
    loader = last_train_dataloader(config)
    if loader is None:
        raise LotteryError(
            f'the running statistics of {join_names(trained, 2)} are to be computed anew, which '
            'needs training data: give a config that has a train_dataloader by config (--config)'
        )
    with one_line_if('running statistics cannot be computed anew'), own_message_hub():
        model.to(get_device())
        unreached = recompute_statistics(
            model, loader, batches, lambda done: progress(f'batch {done} of {batches}')
        )
    _check_reached(mean, model, {name: trained[name] for name in unreached}, batches)
    weights, count = _replaced(mean, model, computed), len(unreached)
    return SoupWeights(weights, len(trained) - count, frozen, count, plain_settings(loader))


def _has_statistics(module: nn.Module) -> bool:
    return isinstance(module, _BatchNorm) and module.track_running_stats


def _buffers(model: nn.Module, norms: Collection[nn.Module]) -> set[str]:
    """All names of the buffers of some layers."""
    return {
        f'{path}.{name}'
        for path, module in model.named_modules(remove_duplicate=False)
        if any(module is norm for norm in norms)
        for name, _ in module.named_buffers(recurse=False)
    }


def _check_shared(mean: Mean, model: nn.Module, computed: set[str]) -> None:
    """Refuses what differs between the tickets and has no mean that makes sense."""
    buffers = {name for name, _ in model.named_buffers(remove_duplicate=False)}
    for name, tensor in without_aliases(mean.weights, model.state_dict().keys()).items():
        if name not in mean.unequal or name in computed:
            continue
        if name.endswith(_STATISTICS):
            norm = model.get_submodule(name.rpartition('.')[0])
            mend = (
                'training leaves it alone; average branches of one search, which share it'
                if isinstance(norm, _BatchNorm)
                else f'it is of a {type(norm).__name__}; networks with such layers have no soup'
            )
            raise LotteryError(
                f'the tickets differ in {name}, and the means of statistics are those of no '
                f'network; it cannot be computed anew, since {mend}'
            )
        if name in buffers and name.endswith(_OF_SPECTRAL_NORM):
            raise LotteryError(
                f'the tickets differ in {name}, by which a spectral norm knows the largest '
                'singular value of a weight; that of the mean is another, so networks with such '
                'layers have no soup'
            )
        if not tensor.is_floating_point() and not tensor.is_complex():
            raise LotteryError(
                f'the tickets differ in {name}, which holds whole numbers and has no mean; average '
                'networks that were trained alike, such as branches of one search'
            )


def _check_reached(
    mean: Mean, model: nn.Module, unreached: dict[str, nn.Module], batches: int
) -> None:
    """Layers that no batch reaches may keep statistics that all tickets share, but no mean."""
    for name, norm in unreached.items():
        if _buffers(model, [norm]) & mean.unequal:
            raise LotteryError(
                f'none of {batches} batches of training data reaches {name}, so its running '
                'statistics cannot be computed; give more batches (--batches)'
            )


def _replaced(mean: Mean, model: nn.Module, computed: set[str]) -> dict[str, Tensor]:
    """The weights of the mean, with the statistics that the model has now."""
    state, weights = model.state_dict(), mean.weights
    new = {}
    for name in sorted(computed & weights.keys()):
        old = weights[name]
        new[identity(old)] = own = state[name].to(device=old.device, dtype=old.dtype)
        if not own.isfinite().all():
            raise LotteryError(
                f'the {name} of the soup is not finite: its activations overflow, so these '
                'networks do not average well; leave tickets out'
            )
    # By the tensor, since some models have second names for one.
    return {name: new.get(identity(tensor), tensor) for name, tensor in weights.items()}
