"""A ticket, or plain pre-trained weights, as a ticket of another model."""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError

from mmengine.config import Config
from mmengine.runner import set_random_seed
from torch import Tensor, nn

from mmlth.engine.api import targets
from mmlth.engine.checkpoint_loading import load_checkpoint_safely
from mmlth.engine.comparison import decisive_settings
from mmlth.engine.errors import LotteryError
from mmlth.engine.forward import initialise
from mmlth.engine.image_input import input_of
from mmlth.engine.paths import SearchPaths
from mmlth.engine.provenance import provenance
from mmlth.engine.reading import read_config
from mmlth.pruning import count_parameters
from mmlth.pruning.predictors import is_predictor
from mmlth.ticket import Ticket, is_ticket, load_ticket, read_foreign, with_initial
from mmlth.ticket.elastic import DEPTHS, Depths
from mmlth.ticket.image_input import ImageInput, parse_input
from mmlth.ticket.mapping import NameMap, map_names, parse_rules, recognised_rules
from mmlth.ticket.transplant import Transplant, one_shot, transplant

VALUES = ('trained', 'initial', 'target')
BACKBONE_ROLES = ('backbone', 'top')  # the latter is its last stage, on regions of interest
TASK_HEADS = ('mask_head', 'mask_iou_head', 'point_head', 'panoptic_head', 'keypoint_head')
_POSE_HEAD = 'head'  # of mmpose, and of mmpretrain's classifiers
_RPN = 'rpn_head'


@dataclass(frozen=True)
class Transfer:
    """What came of a transfer, for a program and for a table.

    Attributes:
        ticket: Of the target model.
        names: Which parameter is which.
        parameters: The target's parameters, without buffers, by name.
        transplant: Which masks were transferred.
        form: Of the source file.
        naming: By which known form the names were mapped.
        values: ``'trained'``, ``'initial'`` or ``'target'``.
        source_input: What images the source was trained on, if that is known.
        target_input: What images the target is shown, if that is known.
        source_path: The file.
    """

    ticket: Ticket
    names: NameMap
    parameters: tuple[str, ...]
    transplant: Transplant
    form: str
    naming: str
    values: str
    source_input: ImageInput | None
    target_input: ImageInput | None
    source_path: Path

    def weights(self, names: Iterable[str]) -> int:
        """Number of weights of these parameters of the target."""
        known = set(self.parameters)
        return sum(math.prod(self.names.target[name]) for name in names if name in known)

    def input_problem(self) -> str | None:
        """Why the inputs of source and target may not be the same; None if they are."""
        source, target = self.source_input, self.target_input
        go_on = 'or go on all the same by any_input=True (--any-input)'
        if source is None:
            return (
                f'nothing tells what images {self.source_path} was trained on; say so by input '
                '(--input torchvision, or ORDER:MEAN:STD) or by the config that it was trained '
                f'with (--source-config), {go_on}'
            )
        if target is None:
            return (
                "the target's config does not tell order of colours, mean and standard deviation "
                f'in a data_preprocessor, so they cannot be compared with the {source} of the '
                f'source; give it one, {go_on}'
            )
        if source.same(target):
            return None
        swap = source.order == 'rgb'
        return (
            f'the source was trained on {source} (order:mean:std), the target is shown {target}; '
            'give the target that input by cfg_options (--cfg-options) '
            f'model.data_preprocessor.mean="{list(source.mean)}" '
            f'model.data_preprocessor.std="{list(source.std)}" '
            f'model.data_preprocessor.bgr_to_rgb={swap}, here and in training, {go_on}'
        )


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
    settings = decisive_settings(target_config, dict(target_config.get('lottery') or {}))
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


def task_heads(model: nn.Module, names: Iterable[str]) -> set[str]:
    """The names that Girish et al. (2021) leave out between tasks.

    These are the box predictor's, and those of the heads of masks and of keypoints; the RPN goes
    along.
    """
    modules = dict(model.named_modules(remove_duplicate=False))
    found = set()
    for name in names:
        parts = name.split('.')[:-1]
        paths = ['.'.join(parts[:i]) for i in range(len(parts) + 1)]
        ancestors = [(path, modules[path]) for path in paths if path in modules]
        if (
            parts[:1] == [_POSE_HEAD]
            or set(parts) & set(TASK_HEADS)
            or (_RPN not in parts and is_predictor(name, ancestors))
        ):
            found.add(name)
    return found


def _check(values: str, sparsity: float | None, depths: str | None) -> None:
    if values not in VALUES:
        raise LotteryError(f'values must be one of {", ".join(VALUES)}, got {values!r}')
    if sparsity is not None and not 0 < sparsity < 1:
        raise LotteryError(f'sparsity must lie between 0 and 1 (excluded), got {sparsity!r}')
    if depths is not None and depths not in DEPTHS:
        raise LotteryError(f'depths must be one of {", ".join(DEPTHS)}, got {depths!r}')


def _read(path: Path, mask: str | Path | None) -> tuple[Ticket, dict[str, Any]]:
    """The source, and what is told of the file."""
    if not path.is_file():
        raise LotteryError(f'{path} does not exist or is no file (seen from {Path.cwd()})')
    if path.suffix != '.safetensors' and not is_ticket(path):
        ticket = read_foreign(path, mask, load_checkpoint_safely)
        about = dict(ticket.info['source'])
        return ticket, {**about, 'form': f'{about["form"]}; mask: {about["mask"]}'}
    if mask is not None:
        raise LotteryError(f'the ticket {path} has a mask of its own; leave {mask} out')
    ticket = load_ticket(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return ticket, {'form': 'ticket of mmlth', 'file': path.name, 'sha256': digest}


def _values(
    ticket: Ticket, values: str, path: Path, rewind_file: str | Path | None
) -> Mapping[str, Tensor] | None:
    if values == 'target':
        return None
    if values == 'trained':
        return ticket.state_dict()
    if ticket.initial is None:
        rewind = Path(rewind_file or SearchPaths(path.absolute().parent.parent).rewind)
        if not rewind.is_file():
            raise LotteryError(
                f"values='initial' needs what {path} was trained from, but {rewind} does not "
                "exist; give the search's rewind file (--rewind-file), or values='trained'"
            )
        ticket = with_initial(ticket, rewind)
    return ticket.initial_state_dict()


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


def _source_input(
    ticket: Ticket, path: Path, given: str | None, config: str | Path | Config | None
) -> ImageInput | None:
    told = input_of(ticket.told('config'))
    if given is not None and config is not None:
        raise LotteryError('input and source_config say the same; give one of them')
    said = parse_input(given) if given is not None else None
    if config is not None:
        said = input_of(read_config(config))
    if told and said and not told.same(said):
        raise LotteryError(
            f'{path} tells that it was trained on {told} (order:mean:std), not on {said}; leave '
            'input and source_config (--input, --source-config) out'
        )
    return told or said


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
