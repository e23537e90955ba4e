"""Whether the laws of masks hold for one model: pruned means zero, masks nest, names stay."""

import copy
import os
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from batches import random_batch, side_of
from mmengine.config import Config
from mmengine.logging import MessageHub, MMLogger
from mmengine.model import BaseModel, revert_sync_batchnorm
from mmengine.optim import OptimWrapper, build_optim_wrapper
from torch import Tensor

from mmlth.engine import LotteryError, build_model, read_config
from mmlth.engine.configs import reinitialised
from mmlth.engine.tickets import require_match
from mmlth.pruning import (
    Mask,
    ScoreInputs,
    attach_mask,
    attached_mask,
    count_parameters,
    find_targets,
    prune,
)
from mmlth.ticket import TicketMismatchError

FIRST, SECOND = 0.8, 0.9
REGIONS = 16
"""Regions of interest that a two-stage detector trains on, an image; a config has up to 512."""
LARGE = 400
"""Pose models with larger inputs, in pixels, get a quarter of them."""
LEARNING_RATE = 1e-4


class LawError(AssertionError):
    """A law does not hold."""


@dataclass
class Verdict:
    """What `check_model` found of a model that obeys."""

    parameters: int
    prunable: int
    note: str = ''


def check_model(name: str) -> Verdict:
    """Builds a model of a zoo, masks it, trains two steps, prunes again, copies it, compares.

    Args:
        name: ``mmdet::…``, ``mmpose::…`` or ``mmseg::…``.

    Raises:
        LawError: If a law does not hold.
        Exception: Whatever the model itself raises where it cannot be built or trained.
    """
    config = _config(name)
    if config.get('optim_wrapper') is None:
        raise LotteryError('its config is for testing only: it has no optim_wrapper')
    with _among_the_zoo(name):
        model = _build(config)
        stock = _build(config)

    def batch(seed: int) -> dict[str, Any]:
        return random_batch(name, config, seed)

    shapes = {key: value.shape for key, value in model.state_dict().items()}
    dense = copy.deepcopy(model.state_dict())
    targets = find_targets(model)
    weights = {target.name: target.parameter.detach() for target in targets}
    mask = prune(weights, sparsity=FIRST, score=_relative)
    attach_mask(model, mask)
    _require(
        {key: value.shape for key, value in model.state_dict().items()} == shapes,
        'the mask changed names or shapes',
    )
    model.load_state_dict(dense, strict=True)
    _check_zero(model, mask, 'after loading a dense checkpoint')

    # Now, as an EMAHook does: some models keep tensors of their last step that cannot be copied.
    twin = copy.deepcopy(model)
    _require(attached_mask(twin) == mask, 'a deep copy lost its mask')

    before = {key: model.get_parameter(key).detach().clone() for key in mask}
    _train(model, config, mask, batch)
    _require_finite(model, stock, lambda: _train(stock, config, Mask({}), batch))
    changed = [key for key in mask if not torch.equal(before[key], model.get_parameter(key))]
    _require(bool(changed), 'no weight trained')

    weights = {key: model.get_parameter(key).detach() for key in mask}
    smaller = prune(weights, mask, sparsity=SECOND, score=_relative)
    _require(all(not (smaller[key] & ~mask[key]).any() for key in mask), 'masks do not nest')
    attach_mask(model, smaller)
    _check_zero(model, smaller, 'after pruning again')
    kept = {key: model.get_parameter(key).detach().clone() for key in mask}
    _train(twin, config, mask, batch)
    _require(
        all(torch.equal(kept[key], model.get_parameter(key)) for key in mask),
        'training a deep copy changed the original',
    )

    note = _compare(model, stock, batch)
    return Verdict(count_parameters(model), sum(target.numel for target in targets), note)


def _require_finite(model: BaseModel, stock: BaseModel, train_stock: Callable[[], None]) -> None:
    """Tells a model that diverges by itself from one that the mask makes diverge."""
    if _finite(model):
        return
    train_stock()
    _require(not _finite(stock), 'training diverges where that of the dense model does not')
    raise LotteryError('diverges from random weights, dense as well')


def _finite(model: BaseModel) -> bool:
    return all(bool(parameter.isfinite().all()) for parameter in model.parameters())


def _compare(model: BaseModel, stock: BaseModel, batch: Callable[[int], dict[str, Any]]) -> str:
    """Loads the weights into a stock model and compares losses; returns what is to be noted."""
    try:
        require_match('a ticket', model.state_dict(), stock)
    except TicketMismatchError as error:
        raise LotteryError('training adds names, so a new model refuses its tickets') from error
    _losses(stock, batch)  # some models change with their first batch, which the other has seen
    stock.load_state_dict(model.state_dict(), strict=True)
    ours, theirs = _losses(model, batch), _losses(stock, batch)
    if not _same(ours, _losses(model, batch)):
        return 'its losses differ from call to call, so not compared with a stock model'
    _require(_same(ours, theirs), 'a stock model computes otherwise')
    return ''


def _relative(inputs: ScoreInputs) -> dict[str, Tensor]:
    """Magnitudes by each layer's own scale: initial weights of 0.001 would make it go whole."""
    return {
        name: weight.abs() / weight.square().mean().sqrt().clamp(min=1e-12)
        for name, weight in inputs.weights.items()
    }


def _config(name: str) -> Config:
    config = reinitialised(read_config(name), 0)  # no pre-trained weights: nothing is downloaded
    for key in ('model', 'codec', 'train_dataloader'):
        if config.get(key) is not None:
            config[key] = _reduced(config[key])
    if name.startswith('mmseg::'):
        _reduce_segmenter(config, (side_of(name), side_of(name)))
    return config


def _reduce_segmenter(config: Config, size: tuple[int, int]) -> None:
    """Has images of this size padded no further, and transformers built for it."""
    settings = dict(config.model.get('data_preprocessor') or config.data_preprocessor)
    settings.pop('size_divisor', None)
    config.model.data_preprocessor = {**settings, 'size': size}
    backbone = config.model.get('backbone') or {}
    if backbone.get('img_size') is not None:
        backbone['img_size'] = size


def _reduced(value: Any) -> Any:
    """Without padding to full size and teachers' checkpoints, and with few regions an image."""
    if isinstance(value, (list, tuple)):
        return type(value)(_reduced(item) for item in value)
    if not isinstance(value, dict):
        return value
    reduced = {key: _reduced(item) for key, item in value.items() if key != 'batch_augments'}
    if isinstance(value.get('input_size'), tuple) and max(value['input_size']) >= LARGE:
        for key in ('input_size', 'heatmap_size'):
            if isinstance(value.get(key), tuple):
                reduced[key] = tuple(side // 4 for side in value[key])
    for key in ('teacher_ckpt', 'teacher_pretrained'):
        if key in reduced:
            reduced[key] = None
    if reduced.get('type') == 'MMSyncBN':
        reduced['type'] = 'SyncBN'  # the other wants a process group even to be built
    if 'pos_fraction' in reduced and isinstance(reduced.get('num'), int):
        reduced['num'] = min(reduced['num'], REGIONS)
    if 'nms_pre' in reduced and 'max_per_img' in reduced:
        reduced['nms_pre'] = min(reduced['nms_pre'], 4 * REGIONS)
        reduced['max_per_img'] = min(reduced['max_per_img'], 4 * REGIONS)
    return type(value)(reduced)


@contextmanager
def _among_the_zoo(name: str) -> Any:
    """Teachers are named by the path of their config in the zoo's repository."""
    package = __import__(name.partition('::')[0])
    here = Path.cwd()
    os.chdir(Path(package.__file__).parent / '.mim')
    try:
        yield
    finally:
        os.chdir(here)


def _build(config: Config) -> BaseModel:
    MMLogger.get_current_instance().setLevel('ERROR')  # else a line a parameter
    torch.manual_seed(0)
    model = revert_sync_batchnorm(build_model(config))
    for module in model.modules():
        if 'Pretrained' in str(getattr(module, 'init_cfg', None)):
            module.init_cfg = None  # of parts that come from config files of their own
    model.init_weights()
    model.train()  # which does not return every model
    return model


def _train(
    model: BaseModel, config: Config, mask: Mask, batch: Callable[[int], dict[str, Any]]
) -> None:
    """Two steps by the config's own optimizer, looking at weights, gradients and moments."""
    wrapper = _optim_wrapper(model, config)
    parameters = {key: model.get_parameter(key) for key in mask}

    def check_gradients(*_: Any) -> None:
        for key, parameter in parameters.items():
            if parameter.grad is not None and _outside(parameter.grad, mask[key]):
                raise LawError(f'the gradient of {key} is not zero where it is pruned')

    wrapper.optimizer.register_step_pre_hook(check_gradients)
    hub = MessageHub.get_current_instance()  # some losses warm up
    for key, value in {'iter': 0, 'epoch': 0, 'max_epochs': 1}.items():
        hub.update_info(key, value)
    for step in range(2):
        torch.manual_seed(step)
        model.train_step(batch(step), wrapper)
        _check_zero(model, mask, f'after step {step + 1}')
    for key, parameter in parameters.items():
        for moment in wrapper.optimizer.state.get(parameter, {}).values():
            if isinstance(moment, Tensor) and moment.shape == parameter.shape:
                _require(not _outside(moment, mask[key]), f'a moment of {key} is not zero')


def _optim_wrapper(model: BaseModel, config: Config) -> OptimWrapper:
    settings = dict(config.optim_wrapper)
    for mixed_precision in ('loss_scale', 'dtype'):
        settings.pop(mixed_precision, None)
    settings.update(type='OptimWrapper', accumulative_counts=1)
    # Some models diverge at once without pre-trained weights and warm-up.
    optimizer = dict(settings['optimizer'])
    settings['optimizer'] = {**optimizer, 'lr': min(optimizer['lr'], LEARNING_RATE)}
    return build_optim_wrapper(model, settings)


def _check_zero(model: BaseModel, mask: Mask, when: str) -> None:
    for key, kept in mask.items():
        if _outside(model.get_parameter(key), kept):
            raise LawError(f'{key} is not zero where it is pruned, {when}')


def _outside(tensor: Tensor, kept: Tensor) -> bool:
    """Whether anything outside the mask is not zero."""
    return bool(tensor.detach().masked_fill(kept, 0).any())


@torch.no_grad()
def _losses(model: BaseModel, batch: Callable[[int], dict[str, Any]]) -> dict[str, Any]:
    """What the model computes from a batch; unlike predictions, it is never empty."""
    model.train()
    torch.manual_seed(0)
    return model(**model.data_preprocessor(batch(0), True), mode='loss')


def _same(one: Any, other: Any) -> bool:
    """Whether two losses are equal bit for bit, be they tensors or containers of tensors."""
    if isinstance(one, Tensor):
        return one.shape == other.shape and torch.allclose(one, other, 0, 0, equal_nan=True)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(_same(a, b) for a, b in zip(one, other))
    return bool(one == other)


def _require(holds: bool, problem: str) -> None:
    if not holds:
        raise LawError(problem)
