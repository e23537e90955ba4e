"""Draws the mask of a round as ``lottery`` says."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.runner import Runner
from torch import Tensor, nn

from mmlth.engine.choices import build_allocation, build_pattern, build_score
from mmlth.engine.errors import LotteryError
from mmlth.engine.network import ConfigNetwork
from mmlth.engine.paths import SearchPaths
from mmlth.engine.rng import own_random_numbers, rng_state, set_rng_state
from mmlth.engine.settings import Settings
from mmlth.engine.training_state import bare_model
from mmlth.pruning import Evidence, Mask, Score, Target, prune, transposed_weights
from mmlth.pruning.patterns import outward
from mmlth.reason import reason
from mmlth.ticket import Ticket, load_rewind_weights, load_ticket, save_ticket
from mmlth.wording import some


def agree_on_mask(
    runner: Runner,
    settings: Settings,
    paths: SearchPaths,
    seed: int,
    weights: Mapping[str, Tensor],
    mask: Mask,
    keep: int,
    path: Path,
) -> Mask:
    """The mask that the first process draws; so a score may draw random numbers, or be inexact.

    It is drawn once: what GPUs compute need not be the same when a round is resumed.

    Args:
        runner: The user's Runner; nothing about it changes.
        settings: The ``lottery`` key.
        paths: The files of the search.
        seed: Of the search.
        weights: What the round before ended with.
        mask: Of the round before.
        keep: How many weights to keep.
        path: Of the file that keeps it.

    Raises:
        LotteryError: If score, allocation or pattern cannot be used, or a weight is NaN.
    """
    drawn: list[Mask | None] = [None]
    if is_main_process() and path.exists():
        drawn = [load_ticket(path).mask]
    elif is_main_process():
        with own_random_numbers(seed):
            found = _draw(runner, settings, paths, seed, weights, mask, keep)
        save_ticket(Ticket(found, None), path)
        drawn = [found]
    broadcast_object_list(drawn)
    return cast(Mask, drawn[0])


def _draw(
    runner: Runner,
    settings: Settings,
    paths: SearchPaths,
    seed: int,
    weights: Mapping[str, Tensor],
    mask: Mask,
    keep: int,
) -> Mask:
    device = next(bare_model(runner).parameters()).device
    score = _Watched(build_score(settings.score))
    with ConfigNetwork(runner.cfg, seed, device) as network:
        try:
            drawn = prune(
                weights,
                mask,
                keep=min(keep, mask.kept),  # a pattern of whole units may have left less
                score=score,
                start=_WhenNeeded(lambda: load_rewind_weights(paths.rewind)),
                network=network,
                seed=seed,
                **shape_of_the_cut(settings, bare_model(runner), list(mask)),
            )
        except ValueError as error:
            raise LotteryError(f'cannot prune: {reason(error)}') from error
    if score.silent:
        runner.logger.warning(
            f'lottery.score={settings.score!r} is 0 for every weight of {some(score.silent)}, so '
            'that position decides there; a later lottery.rewind or another score may tell more'
        )
    return drawn


class _Watched:
    """A score that takes down which layers it says nothing of."""

    def __init__(self, score: Score) -> None:
        self._score = score
        self.iterations = getattr(score, 'iterations', 1)
        self.silent: list[str] | None = None

    def __call__(self, evidence: Evidence) -> Mapping[str, Tensor]:
        scores = self._score(evidence)
        if self.silent is None:
            alive = [name for name, kept in evidence.mask.items() if kept.any()]
            self.silent = [name for name in alive if name in scores and not scores[name].any()]
        return scores


class _WhenNeeded(Mapping[str, Tensor]):
    """Weights that are read when a score first looks at them; most do not."""

    def __init__(self, read: Callable[[], Mapping[str, Tensor]]) -> None:
        self._read = functools.cache(read)

    def __getitem__(self, name: str) -> Tensor:
        return self._read()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())


def draw_by_weights(
    settings: Settings,
    model: nn.Module,
    seed: int,
    mask: Mask,
    keep: int,
    weights: Mapping[str, Tensor],
) -> Mask:
    """The mask that a round would draw from these weights; only where `ranks_by_weights`.

    Args:
        settings: The ``lottery`` key.
        model: The model.
        seed: Of the search.
        mask: Of the round before.
        keep: How many weights to keep.
        weights: What that round ends with.

    Raises:
        LotteryError: If score, allocation or pattern cannot be used, or a weight is NaN.
    """
    try:
        return prune(
            weights,
            mask,
            keep=min(keep, mask.kept),
            score=build_score(settings.score),
            seed=seed,
            **shape_of_the_cut(settings, model, list(mask)),
        )
    except ValueError as error:
        raise LotteryError(f'cannot prune: {reason(error)}') from error


def ranks_by_weights(settings: Settings, model: nn.Module, mask: Mask) -> bool:
    """Whether ``lottery.score`` needs neither the rewind step nor the network."""
    state = rng_state()
    try:
        weights = {name: model.get_parameter(name).detach().cpu() for name in mask}
        build_score(settings.score)(Evidence(weights, mask))
    except Exception:  # whatever a score does that finds None where it looks for more
        return False
    finally:
        set_rng_state(state)
    return True


def fitting(settings: Settings, model: nn.Module, targets: Sequence[Target]) -> list[Target]:
    """Those of the weights that ``lottery.pattern`` can prune."""
    fits = getattr(build_pattern(settings.pattern), 'fits', None)
    if fits is None:
        return list(targets)
    transposed = transposed_weights(model, [target.name for target in targets])
    turned = outward({target.name: target.parameter for target in targets}, transposed)
    return [target for target in targets if fits(tuple(turned[target.name].shape))]


def shape_of_the_cut(settings: Settings, model: nn.Module, names: list[str]) -> dict[str, Any]:
    """What `prune` is told of allocation, pattern and floor."""
    return {
        'allocation': build_allocation(settings.allocation),
        'pattern': build_pattern(settings.pattern),
        'floor': settings.floor,
        'transposed': transposed_weights(model, names),
    }
