"""Tickets from the checkpoints of others: OpenMMLab's, those of the papers, and open_lth's."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from torch import Tensor

from mmlth.pruning import Mask, identity, masked
from mmlth.ticket.checkpoint import (
    PLAIN,
    Load,
    as_tensors,
    load_pickle,
    quoted,
    read_content,
    without_prefix,
)
from mmlth.ticket.errors import TicketError, TicketMismatchError
from mmlth.ticket.nested_masks import nested_masks
from mmlth.ticket.ticket import Ticket

_OPEN_LTH = 'model.'  # its ImageNet models keep torchvision's in an attribute
_PARAMETERS = ('weight', 'bias')


def read_foreign(
    path: str | Path, mask_path: str | Path | None = None, load: Load = load_pickle
) -> Ticket:
    """Reads a checkpoint that mmlth did not write as a ticket.

    The file holds tensors by name, itself or under ``state_dict``. It may be OpenMMLab's, whose
    ``dataset_meta`` is carried over; have the prefix ``module.``, which is left out; be MoCo's, of
    which only ``encoder_q`` is taken; or be open_lth's ``model_*.pth``.

    Masks are, in this order: those of `torch.nn.utils.prune` in the file (``NAME_mask`` beside
    ``NAME_orig``); those in an entry beside the weights (`nested_masks`), such as ``masks`` or
    ``pruner.masks``; those of ``mask_path``, by the same names, by plain ones, or in an entry;
    open_lth's ``mask.pth`` beside a ``model_*.pth``. They alone say what is prunable. Without any,
    every weight (a name that ends in ``weight``, two dimensions or more, floating point) is
    prunable, and its zeros are pruned: a kept weight that happens to be zero cannot be told from a
    pruned one. Without zeros either, the ticket is dense.

    Tied tensors stay tied, under the mask of the first.

    Args:
        path: The checkpoint.
        mask_path: A file of masks: zeros and ones by name.
        load: Reads a file of torch; the default takes tensors and plain containers only.

    Returns:
        The ticket. ``info['source']`` holds the ``form`` that was recognised, where the ``mask``
        comes from, and the names and SHA-256 of the files.

    Raises:
        FileNotFoundError: If there is no such file.
        TicketMismatchError: If masks and weights do not belong together.
        TicketError: If the file is damaged, unsafe, or of no known form.
    """
    path = Path(path)
    file = as_tensors(read_content(path, load), path)
    source = {'form': file.form, 'mask': 'masks in the file', **_origin(path)}
    tensors, masks = file.tensors, _masks(file.tensors)
    if nested := nested_masks(file.rest, _weights(tensors, masks, path), file.prefix, path):
        if masks:
            raise TicketError(
                f'{path} has masks both among its weights, such as that of '
                f'{quoted(list(masks)[:1])}, and in its entry {nested[0]!r}; save it without one'
            )
        source['mask'], masks = f'masks in the file, entry {nested[0]}', nested[1]
    if masks and mask_path is not None:
        raise TicketError(
            f'{path} has masks of its own, such as that of {quoted(list(masks)[:1])}; leave the '
            f'mask file {mask_path} out, or give a checkpoint of weights alone'
        )
    where = Path(mask_path) if mask_path is not None else _mask_beside(path)
    if not masks and where:
        source |= {'mask': 'a mask file', **_origin(where, 'mask_')}
        content = read_content(where, load)
        rest = {key: value for key, value in content.items() if not isinstance(value, Tensor)}
        if nested := nested_masks(rest, tensors, file.prefix, where):
            source['mask'], masks = f'a mask file, entry {nested[0]}', nested[1]
        else:
            mask_tensors = as_tensors(content, where).tensors
            masks = _masks(mask_tensors)
        if not masks:  # plain names
            masks = mask_tensors
            if file.form == PLAIN:
                source['form'] = 'open_lth model'
            if all(name.startswith(_OPEN_LTH) for name in (*tensors, *masks)):
                tensors = without_prefix(_OPEN_LTH, tensors)
                masks = without_prefix(_OPEN_LTH, masks)
    weights = _weights(tensors, masks, path)
    tied = _tied(weights)
    if masks:
        # Of tied tensors the first bears the mask, as in a search.
        masks = {n if tied.get(n, n) in masks else tied[n]: mask for n, mask in masks.items()}
        _check_fit(masks, weights, where or path)
        mask = Mask({name: tensor.bool() for name, tensor in masks.items()})
    else:
        mask = _nonzero(weights, tied, path)
        source['mask'] = 'zeros' if mask.kept < mask.total else 'no zeros, so nothing is pruned'
    result = masked(weights, mask)  # which makes −0 +0, too
    result |= {name: result[first] for name, first in tied.items() if name not in mask}
    return Ticket(mask, result, {'source': source, **file.info})


def _origin(path: Path, prefix: str = '') -> dict[str, str]:
    digest = sha256(path.read_bytes()).hexdigest()
    return {f'{prefix}file': path.name, f'{prefix}sha256': digest}


def _mask_beside(path: Path) -> Path | None:
    mask = path.with_name('mask.pth')
    return mask if path.match('model_*.pth') and mask.is_file() else None


def _masks(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Masks by the names of their weights; a buffer that is just called a mask is not one."""
    names = [name.removesuffix('_mask') for name in tensors if name.endswith('_mask')]
    return {
        name: tensors[f'{name}_mask']
        for name in names
        if f'{name}_orig' in tensors or name.endswith(_PARAMETERS)
    }


def _weights(
    tensors: Mapping[str, Tensor], masks: Mapping[str, Tensor], path: Path
) -> dict[str, Tensor]:
    """The tensors without masks, and ``NAME_orig`` as ``NAME``."""
    weights: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if name.endswith('_mask') and name.removesuffix('_mask') in masks:
            continue
        plain = name.removesuffix('_orig')
        if plain in masks and plain not in tensors:
            weights[plain] = tensor
        # With `_u` beside it, it belongs to spectral_norm.
        elif plain != name and plain.endswith(_PARAMETERS) and f'{plain}_u' not in tensors:
            problem = f'also {plain!r}' if plain in tensors else f'no {plain + "_mask"!r}'
            raise TicketMismatchError(
                f'{path} has {name!r} but {problem}; expected a pair of _orig and _mask, as '
                'torch.nn.utils.prune has them, so give the whole state, or the masks as mask file'
            )
        else:
            weights[name] = tensor
    return weights


def _check_fit(masks: Mapping[str, Tensor], weights: Mapping[str, Tensor], where: Path) -> None:
    unknown = [name for name in masks if name not in weights]
    if unknown:
        others = [name for name in weights if name not in masks and _is_prunable(name, weights)]
        raise TicketMismatchError(
            f'{where} has masks of {quoted(unknown)}, which the weights lack; weights without a '
            f'mask: {quoted(others) or "none"}; give mask and weights of the same model'
        )
    for name, mask in masks.items():
        if mask.shape != weights[name].shape:
            raise TicketMismatchError(
                f'{where}: the mask of {name!r} has shape {tuple(mask.shape)}, the weight '
                f'{tuple(weights[name].shape)}; give mask and weights of the same model'
            )
        if not bool(((mask == 0) | (mask == 1)).all()):
            raise TicketMismatchError(
                f'{where}: the mask of {name!r} holds more than 0 and 1; give a file of masks'
            )


def _nonzero(weights: Mapping[str, Tensor], tied: Mapping[str, str], path: Path) -> Mask:
    names = [name for name in weights if name not in tied and _is_prunable(name, weights)]
    if not names:
        raise TicketError(
            f'{path} has no weights that could be pruned, only {quoted(weights)}; expected names '
            "that end in 'weight' and have two dimensions or more"
        )
    return Mask({name: weights[name].bool() for name in names})


def _is_prunable(name: str, weights: Mapping[str, Tensor]) -> bool:
    weight = weights[name]
    return name.endswith('weight') and weight.dim() > 1 and weight.is_floating_point()


def _tied(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """For each tensor that is the same as an earlier one, the first one's name."""
    first: dict[tuple[Any, ...], str] = {}
    names = {n: first.setdefault(identity(t), n) for n, t in tensors.items() if t.numel()}
    return {name: source for name, source in names.items() if source != name}
