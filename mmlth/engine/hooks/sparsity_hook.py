"""Tells dashboards what a round trains."""

from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from mmlth.pruning import Mask


class SparsityHook(Hook):
    """Logs round, sparsities and numbers of weights once, when the training starts.

    ``lottery/sparsity`` and ``lottery/kept`` are of all prunable weights,
    ``lottery/sparsity_of/backbone`` and the like of those whose names begin so.

    Args:
        round_index: The index of the round; 0 is the dense one.
        mask: The mask that it trains under.
        parameters: Number of parameters of the model, prunable or not.
    """

    def __init__(self, round_index: int, mask: Mask, parameters: int) -> None:
        modules: dict[str, dict[str, Tensor]] = {}
        for name, kept in mask.items():
            modules.setdefault(name.partition('.')[0], {})[name] = kept
        # Not below the names of the whole: a file store would have a file and a folder of one name.
        parts = {'': mask} | {f'_of/{name}': Mask(part) for name, part in modules.items()}
        self._scalars: dict[str, float] = {
            'lottery/round': round_index,
            'lottery/network_sparsity': mask.network_sparsity(parameters),
            **{f'lottery/sparsity{module}': part.sparsity for module, part in parts.items()},
            **{f'lottery/kept{module}': part.kept for module, part in parts.items()},
        }

    def before_train(self, runner: Runner) -> None:
        runner.visualizer.add_scalars(self._scalars, step=runner.iter)
