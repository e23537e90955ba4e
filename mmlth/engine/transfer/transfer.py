"""A ticket, or plain pre-trained weights, as a ticket of another model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from torch import Tensor

from mmlth.engine.errors import LotteryError
from mmlth.engine.transfer.heads import task_heads
from mmlth.engine.transfer.image_input import input_of
from mmlth.engine.transfer.metadata import counts_of, metadata_of, transferred_ticket
from mmlth.engine.transfer.result import Transfer
from mmlth.engine.transfer.source import Source, read_source
from mmlth.engine.transfer.target import TargetModel, build_target
from mmlth.pruning import Mask
from mmlth.ticket import (
    DEPTHS,
    Depths,
    NameMap,
    map_names,
    one_shot,
    parse_rules,
    recognised_rules,
    transplant,
)
from mmlth_common.choices import VALUES


def transfer(
    source: str | Path,
    config: str | Path | Config,
    *,
    rules: Sequence[str] = (),
    values: str = 'trained',
    sparsity: float | None = None,
    depths: Depths | None = None,
    heads: bool = False,
    mask: str | Path | None = None,
    rewind_file: str | Path | None = None,
    input: str | None = None,  # noqa: A002
    source_config: str | Path | Config | None = None,
    any_input: bool = False,
    seed: int | None = None,
    cfg_options: Mapping[str, Any] | None = None,
    dry_run: bool = False,
) -> Transfer:
    """Makes a ticket of one model a ticket of another: mask, values, or both.

    What the source does not give, the target has as it would start training with ``seed``, dense.
    Final predictors (but those of an RPN) and the heads of masks and keypoints are left out, as
    Girish et al. (2021) do between tasks.

    Args:
        source: A ticket, or a checkpoint of any form that `mmlth.read_foreign` takes.
        config: The target's config, as for `mmlth.search`; its ``lottery.targets`` chooses what may
            be pruned.
        rules: ``SOURCE_PREFIX=TARGET_PREFIX``; by default names of known forms are recognised.
        values: ``'trained'``: the source's; ``'initial'``: those that the source's training
            started from, θ_k; ``'target'``: the target's own, so that only the mask is transferred.
        sparsity: Draws the mask in one shot, by magnitude over the source's backbone alone, instead
            of taking the source's. The last stage of a C4 detector, on regions of interest, is part
            of it.
        depths: ``'append'`` or ``'interpolate'``: for ResNets of different depths; see
            `mmlth.ticket.elastic`.
        heads: Whether to transfer predictors and heads, too.
        mask: A file of masks for a checkpoint that has none.
        rewind_file: For ``values='initial'``; default for ``WORK_DIR/tickets/X``:
            ``WORK_DIR/rewind.safetensors``.
        input: What images the source was trained on, where it does not tell: a name of
            `mmlth.ticket.image_input.INPUTS` or ``ORDER:MEAN:STD``.
        source_config: The config that the source was trained with, which tells the same.
        any_input: Whether the inputs of source and target may differ or be unknown.
        seed: The seed of the target's initial weights; default: the config's, else 0.
        cfg_options: Changes of the target's config by dotted key.
        dry_run: Whether to leave the target uninitialised, and inputs unchecked: names and masks
            are as they would be, values are not.

    Raises:
        LotteryError: On bad input, or if the source was trained on other images.
        TicketError: If the source cannot be read, or no name of it is one of the target.
    """
    _check(values, sparsity, depths)
    given = read_source(Path(source), mask)
    target = build_target(config, cfg_options, seed, initialised=not dry_run)
    names, naming = _names(given, target, rules, depths, heads)
    kept = _mask(given, target, names, sparsity)
    weights = given.values(values, rewind_file)
    transplanted = transplant(names, kept, weights, target.state, target.prunable)
    source_input = given.image_input(input, source_config)
    choices = {'naming': naming, 'values': values, 'sparsity': sparsity, 'depths': depths}
    counts = counts_of(names, transplanted, target.sizes)
    result = Transfer(
        ticket=transferred_ticket(
            target, transplanted, metadata_of(given, names, choices, counts, source_input)
        ),
        names=names,
        parameters=tuple(target.sizes),
        transplant=transplanted,
        form=given.description['form'],
        naming=naming,
        values=values,
        source_input=source_input,
        target_input=input_of(target.config),
        source_path=given.path,
    )
    if not any_input and not dry_run:
        _check_input(result)
    return result


def _check(values: str, sparsity: float | None, depths: str | None) -> None:
    if values not in VALUES:
        raise LotteryError(f'values must be one of {", ".join(VALUES)}, got {values!r}')
    if sparsity is not None and not 0 < sparsity < 1:
        raise LotteryError(f'sparsity must lie between 0 and 1 (excluded), got {sparsity!r}')
    if depths is not None and depths not in DEPTHS:
        raise LotteryError(f'depths must be one of {", ".join(DEPTHS)}, got {depths!r}')


def _check_input(result: Transfer) -> None:
    problem = result.input_problem()
    if problem:
        raise LotteryError(problem)


def _names(
    source: Source, target: TargetModel, rules: Sequence[str], depths: Depths | None, heads: bool
) -> tuple[NameMap, str]:
    """Which parameter is which, and by which known form the names were mapped."""
    if rules:
        parsed, naming = parse_rules(rules), 'as given'
    else:
        parsed, naming = recognised_rules(source.tensors, target.state.keys())
    left_out = () if heads else task_heads(target.model, target.state)
    names = map_names(_shapes(source.tensors), _shapes(target.state), parsed, left_out, depths)
    return names, naming


def _mask(source: Source, target: TargetModel, names: NameMap, sparsity: float | None) -> Mask:
    """The mask of the source, or one drawn in one shot."""
    mask = source.ticket.mask
    if sparsity is None:
        return mask
    return one_shot(names, source.ticket.state_dict(), mask, target.backbone, sparsity)


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}
