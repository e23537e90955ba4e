"""A ticket, or plain pre-trained weights, as a ticket of another model."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.error import URLError

from mmengine.config import Config
from mmengine.runner import set_random_seed
from torch import nn

from mmlth.engine.api import targets
from mmlth.engine.configs import read_config, result_affecting_config
from mmlth.engine.errors import LotteryError
from mmlth.engine.models import initialise
from mmlth.engine.tickets import provenance
from mmlth.engine.transfer.heads import task_heads
from mmlth.engine.transfer.image_input import input_of
from mmlth.engine.transfer.result import Transfer
from mmlth.engine.transfer.source import _read, _source_input, _values
from mmlth.pruning import count_parameters
from mmlth.ticket import (
    DEPTHS,
    Depths,
    NameMap,
    Ticket,
    Transplant,
    map_names,
    one_shot,
    parse_rules,
    recognised_rules,
    transplant,
)

VALUES = ('trained', 'initial', 'target')


BACKBONE_ROLES = ('backbone', 'top')  # the latter is its last stage, on regions of interest


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
        config: Of the target, as for `mmlth.search`; its ``lottery.targets`` chooses what may be
            pruned.
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
        seed: Of the target's initial weights; default: the config's, else 0.
        cfg_options: Changes of the target's config by dotted key.
        dry_run: Whether to leave the target uninitialised, and inputs unchecked: names and masks
            are as they would be, values are not.

    Raises:
        LotteryError: On bad input, or if the source was trained on other images.
        TicketError: If the source cannot be read, or no name of it is one of the target.
    """
    _check(values, sparsity, depths)
    path = Path(source)
    ticket, about = _read(path, mask)
    target_config = read_config(config, cfg_options)
    seed = _seed(target_config) if seed is None else seed
    set_random_seed(seed)
    chosen, model = targets(target_config)
    if not dry_run:
        _initialise(model)
    state = {name: tensor.detach() for name, tensor in model.state_dict().items()}
    given = {**ticket.mask, **(ticket.weights or {})}
    if rules:
        parsed, naming = parse_rules(rules), 'as given'
    else:
        parsed, naming = recognised_rules(given, state.keys())
    names = map_names(
        {name: tuple(tensor.shape) for name, tensor in given.items()},
        {name: tuple(tensor.shape) for name, tensor in state.items()},
        parsed,
        () if heads else task_heads(model, state),
        depths,
    )
    prunable = [target.name for target in chosen]
    kept = ticket.mask
    if sparsity is not None:
        backbone = [target.name for target in chosen if target.role in BACKBONE_ROLES]
        kept = one_shot(names, ticket.state_dict(), kept, backbone, sparsity)
    found = transplant(names, kept, _values(ticket, values, path, rewind_file), state, prunable)
    parameters = {name: parameter.numel() for name, parameter in model.named_parameters()}
    told = _told(about, names, parameters, found, values, sparsity, depths, naming)
    source_input = _source_input(ticket, path, input, source_config)
    settings = result_affecting_config(target_config, dict(target_config.get('lottery') or {}))
    info = {
        **provenance(found.mask, count_parameters(model), seed, settings),
        'transfer': {**told, 'input': source_input and str(source_input)},
        'module_versions': {
            name: each.get('version')
            for name, each in getattr(model.state_dict(), '_metadata', {}).items()
        },
    }
    result = Transfer(
        ticket=Ticket(found.mask, found.weights, info),
        names=names,
        parameters=tuple(parameters),
        transplant=found,
        form=about['form'],
        naming=naming,
        values=values,
        source_input=source_input,
        target_input=input_of(target_config),
        source_path=path,
    )
    problem = result.input_problem()
    if problem and not any_input and not dry_run:
        raise LotteryError(problem)
    return result


def _check(values: str, sparsity: float | None, depths: str | None) -> None:
    if values not in VALUES:
        raise LotteryError(f'values must be one of {", ".join(VALUES)}, got {values!r}')
    if sparsity is not None and not 0 < sparsity < 1:
        raise LotteryError(f'sparsity must lie between 0 and 1 (excluded), got {sparsity!r}')
    if depths is not None and depths not in DEPTHS:
        raise LotteryError(f'depths must be one of {", ".join(DEPTHS)}, got {depths!r}')


def _seed(config: Config) -> int:
    return int((config.get('randomness') or {}).get('seed') or 0)


def _initialise(model: nn.Module) -> None:
    try:
        initialise(model)
    except (URLError, OSError) as error:
        raise LotteryError(
            f"the target's own pre-trained weights cannot be loaded: {error}; where the source "
            'replaces them leave them out by cfg_options (--cfg-options) '
            'model.backbone.init_cfg=None'
        ) from error


def _told(
    about: Mapping[str, Any],
    names: NameMap,
    parameters: Mapping[str, int],
    found: Transplant,
    values: str,
    sparsity: float | None,
    depths: str | None,
    naming: str,
) -> dict[str, Any]:
    """What the ticket tells of its source."""

    def count(chosen: Iterable[str]) -> dict[str, int]:
        sizes = [parameters[name] for name in chosen if name in parameters]
        return {'parameters': len(sizes), 'weights': sum(sizes)}

    return {
        'source': dict(about),
        'rules': [str(rule) for rule in names.rules],
        'naming': naming,
        'values': values,
        'sparsity': sparsity,
        'depths': depths,
        'matched': count(names.matched),
        'masked': count(found.masked),
        'missing': count(names.missing),
        'left_out': count(names.left_out),
        'other_shapes': count(names.mismatched),
        'unused': len(names.unused),
    }
