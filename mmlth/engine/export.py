"""The network of a ticket as an ONNX file, checked against torch.

torch's exporter by tracing is used (``dynamo=False``): it needs no package but onnx, older versions
of torch have it, too, and it exports most models of both zoos. The newer one needs onnxscript.
Nothing is folded or fused in the file, so that its weights keep the names and shapes that they
have in the model, and zeros stay where they are. Runtimes fold and fuse when they load it.
"""

import contextlib
import copy
import importlib.util
import inspect
import io
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from torch import Tensor, nn

from mmlth.engine.errors import LotteryError
from mmlth.engine.forward import config_of, stock_model
from mmlth.engine.reading import read_config
from mmlth.engine.ticket_loading import as_checkpoint, require_match
from mmlth.pruning import detach_mask
from mmlth.ticket import atomic_path, load_ticket

PARTS = ('features', 'network')
OPSET = 17
"""The default, from 2022, so that older runtimes read the file, too."""
TOLERANCE = 1e-3
"""Of the largest number of an output; rounding makes 1e-7 to 1e-4."""
_INPUT = 'image'
_MOST_PIXELS = 2**14
_MOST_BYTES = 2**31 - 2**25  # of weights: a protobuf file ends at 2 GiB

Outputs = dict[str, Tensor]
Forward = Callable[[Tensor], Outputs]
Axes = dict[str, dict[int, str]]


@dataclass(frozen=True)
class Difference:
    """How far the outputs of onnxruntime are from those of torch, at most.

    Attributes:
        absolute: The largest difference.
        relative: The largest difference as a share of the largest number of its output.
    """

    absolute: float
    relative: float


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        path: The file.
        opset: Its version of the ONNX operators.
        size: Height and width of its images, in pixels.
        outputs: The names of its outputs.
        any_batch: Whether it takes any number of images at once, or one.
        difference: To torch; None if it was not checked.
    """

    path: Path
    opset: int
    size: tuple[int, int]
    outputs: tuple[str, ...]
    any_batch: bool
    difference: Difference | None


def export_ticket(
    ticket: str | Path,
    path: str | Path,
    *,
    config: str | Path | Config | None = None,
    size: tuple[int, int] | None = None,
    part: str = 'features',
    opset: int = OPSET,
    check: bool = True,
) -> Exported:
    """Writes the network of a ticket as an ONNX file.

    Args:
        ticket: A ticket file that holds trained weights.
        path: As for `export_model`.
        config: Of the model: a file, a name such as ``mmdet::FOLDER/CONFIG.py``, or a config. By
            default what the ticket tells.
        size: As for `export_model`; by default that of the config's validation images.
        part: As for `export_model`.
        opset: As for `export_model`.
        check: As for `export_model`.

    Raises:
        TicketError: If it is no ticket, a damaged one, one without trained weights, or one of
            another model.
        LotteryError: If the file or its config cannot be read, and as `export_model`.
    """
    _require_packages(check)
    try:
        loaded = load_ticket(ticket)
    except OSError as error:
        reason = f'{ticket} cannot be read: {error.strerror}' if error.strerror else str(error)
        raise LotteryError(reason) from error
    state = as_checkpoint(loaded)['state_dict']
    if config is not None:
        known = read_config(config)
        settings = known.to_dict()
    elif settings := loaded.told('config'):
        known = config_of(loaded.info)
    else:
        raise LotteryError(
            f'{ticket} does not tell the config of its model; give it by --config, as a file or a '
            'name such as mmdet::FOLDER/CONFIG.py'
        )
    model = stock_model(known, {})  # weights come next
    size = size or _validation_size(settings)
    require_match(str(ticket), state, model)
    model.load_state_dict(state, strict=False)  # batch counters of norm layers may be missing
    return export_model(model, path, size=size, part=part, opset=opset, check=check)


def export_model(
    model: nn.Module,
    path: str | Path,
    *,
    size: tuple[int, int],
    part: str = 'features',
    opset: int = OPSET,
    check: bool = True,
) -> Exported:
    """Writes a network as an ONNX file; its input are images that are normalised already.

    It takes any number of images at once, unless the model's code fixes that number while it is
    traced, which the check finds: then the file takes one.

    Args:
        model: Of MMDetection or MMPose, under a mask or not; stays as it is.
        path: Where to; written atomically.
        size: Height and width of the images, in pixels.
        part: ``'features'``: backbone and neck. ``'network'``: with the heads, up to their raw
            outputs.
        opset: Version of the ONNX operators.
        check: Whether to run the file in onnxruntime and compare with torch.

    Raises:
        LotteryError: If it cannot be exported, differs from torch, or cannot be written; nothing
            is written then.
    """
    _require_packages(check)
    if not all(1 <= side <= _MOST_PIXELS for side in size):
        raise LotteryError(
            f'--input-size must be two numbers from 1 to {_MOST_PIXELS}, got {size[0]} {size[1]}'
        )
    network = _network(model, part, size)
    images = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(0))
    difference = None
    with _quiet():
        expected = _outputs_of_one(network, images[:1])
        axes = _batch_axes(network, images, expected)
        content = _trace(network, images[:1], expected, axes, opset)
        if check:
            difference = _compare(content, expected, images[:1])
            if axes and difference.relative <= TOLERANCE and not _holds(content, network, images):
                axes = {}
                content = _trace(network, images[:1], expected, axes, opset)
                difference = _compare(content, expected, images[:1])
    if difference is not None and difference.relative > TOLERANCE:
        raise LotteryError(
            f'the file would compute otherwise than torch: outputs differ by up to '
            f'{difference.absolute:.2g}, {difference.relative:.2g} of the largest number; nothing '
            f'was written; try another --opset{network.other_part}'
        )
    _write(content, Path(path))
    return Exported(Path(path), opset, size, tuple(expected), bool(axes), difference)


def _require_packages(check: bool) -> None:
    for name in ('onnx', 'onnxruntime') if check else ('onnx',):
        if importlib.util.find_spec(name) is None:
            raise LotteryError(
                f'exporting needs the package {name}, which is not installed: '
                "pip install 'mmlth[export]'"
            )


def _validation_size(config: Mapping[str, Any]) -> tuple[int, int]:
    """Height and width of the largest images that a validation of this config sees."""
    pairs = list(_sizes(config.get('val_dataloader')))
    if not pairs:
        raise LotteryError('the config does not tell the size of its images; give --input-size H W')
    width, height = pairs[-1]  # each step of the pipeline changes what the one before it gave
    places = (config.get('data_preprocessor'), config.get('model', {}).get('data_preprocessor'))
    divisor = max(int((place or {}).get('pad_size_divisor') or 1) for place in places)
    return math.ceil(height / divisor) * divisor, math.ceil(width / divisor) * divisor


def _sizes(value: Any) -> Iterator[tuple[int, int]]:
    """Widths and heights that the steps of a pipeline give images, in their order."""
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _sizes(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key in ('scale', 'size', 'input_size') and _is_pair(item):
                yield item[0], item[1]
            else:
                yield from _sizes(item)


def _is_pair(value: Any) -> bool:
    return (
        isinstance(value, (list, tuple))
        and len(value) == 2
        and all(type(number) is int and number > 0 for number in value)
    )


@dataclass(frozen=True)
class _Network:
    """What is exported: a module, and the part of it as a function from images to outputs."""

    module: Any
    part: str
    forward: Forward

    @property
    def name(self) -> str:
        return type(self.module).__name__

    @property
    def other_part(self) -> str:
        """The end of a message that says what may work instead."""
        return '' if self.part == 'features' else ', or --part features'


def _network(model: nn.Module, part: str, size: tuple[int, int]) -> _Network:
    if part not in PARTS:
        raise LotteryError(f'there is no part {part!r}; it must be one of {", ".join(PARTS)}')
    module: Any = _stock_copy(model, size)
    name = type(module).__name__
    if part == 'features':
        if not hasattr(module, 'extract_feat'):
            raise LotteryError(
                f'{name} has no `extract_feat`, which gives the features of detectors and pose '
                'estimators of images'
            )
        return _Network(
            module, part, lambda x: _named(_as_sequence(module.extract_feat(x)), 'feat')
        )
    if getattr(module, 'roi_head', None) is not None:
        raise LotteryError(
            f'{name} has a second stage, which works on regions by RoI operators that ONNX lacks; '
            'export what comes before it by --part features'
        )
    whole = module.forward
    return _Network(module, part, lambda x: _named_by_head(module, whole(x, None, mode='tensor')))


def _stock_copy(model: nn.Module, size: tuple[int, int]) -> nn.Module:
    model = copy.deepcopy(model).cpu()
    detach_mask(model)
    model = revert_sync_batchnorm(model).eval()
    if sum(tensor.nbytes for tensor in model.state_dict().values()) > _MOST_BYTES:
        raise LotteryError(f'{type(model).__name__} is too large: ONNX files end at 2 GiB')
    module: Any
    for module in model.modules():
        if type(module).__name__ == 'HybridEncoder':
            # MMPose's exports a positional encoding that it must compute before.
            module.switch_to_deploy({'input_size': size})
    return model


def _as_sequence(value: Any) -> Any:
    return [value] if isinstance(value, Tensor) else value


def _named_by_head(model: nn.Module, outputs: Any) -> Outputs:
    """Outputs by the names that the head gives them where it decodes them."""
    values = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
    heads = (getattr(model, name, None) for name in ('bbox_head', 'mask_head', 'head'))
    for head in heads:
        names = _names_by_head(head, len(values))
        if names:
            return {k: v for name, x in zip(names, values) for k, v in _named(x, name).items()}
    return _named(outputs, 'output')


def _names_by_head(head: Any, count: int) -> list[str]:
    decode = getattr(head, 'predict_by_feat', None)
    if decode is not None:
        names = list(inspect.signature(decode).parameters)[:count]
        known = len(names) == count and not any(name.startswith('batch_') for name in names)
        return names if known else []
    codec = type(getattr(head, 'decoder', None)).__name__
    if codec.startswith('SimCC') and count == 2:
        return ['simcc_x', 'simcc_y']
    return ['heatmaps'] if codec.endswith('Heatmap') and count == 1 else []


def _named(value: Any, name: str) -> Outputs:
    """The tensors in nested sequences and dicts, numbered or named by their keys."""
    if isinstance(value, Tensor):
        return {name: value}
    if isinstance(value, dict):
        items = [(f'{name}_{key}', item) for key, item in value.items()]
    elif isinstance(value, (list, tuple)):
        between = '_' if name[-1].isdigit() else ''
        items = [(f'{name}{between}{i}', item) for i, item in enumerate(value)]
    else:
        return {}
    return {key: tensor for label, item in items for key, tensor in _named(item, label).items()}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without warnings about tracing, and without the graph that torch prints where it fails."""
    core: Any = torch._C
    log = core._jit_onnx_log
    core._jit_onnx_log = lambda *_: None
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter('ignore')
            yield
    finally:
        core._jit_onnx_log = log


def _outputs_of_one(network: _Network, image: Tensor) -> Outputs:
    size = f'{image.shape[2]} × {image.shape[3]}'
    try:
        outputs = network.forward(image)
    except Exception as error:  # whatever a model's own code raises
        raise LotteryError(
            f'{network.name} computes no {network.part} from an image of {size} alone: '
            f'{_reason(error)}; give another --input-size{network.other_part}'
        ) from error
    if not outputs or any(bool(tensor.isnan().any()) for tensor in outputs.values()):
        found = 'NaN' if outputs else 'nothing'
        raise LotteryError(f'{network.name} computes {found} from an image of {size}')
    return outputs


def _batch_axes(network: _Network, images: Tensor, expected: Outputs) -> Axes:
    """The axes that vary with the number of images; none if the model takes only one."""
    try:
        outputs = network.forward(images)
    except Exception:  # whatever a model's own code raises
        return {}
    axes: Axes = {_INPUT: {0: 'batch'}}
    for name, one in expected.items():
        two = outputs.get(name)
        if two is None or two.dim() != one.dim():
            return {}
        axes[name] = {
            axis: 'batch' if sizes == (1, 2) else f'{name}_{axis}'
            for axis, sizes in enumerate(zip(one.shape, two.shape))
            if sizes[0] != sizes[1]
        }
    return axes


def _trace(network: _Network, image: Tensor, expected: Outputs, axes: Axes, opset: int) -> bytes:
    """The content of the file."""
    import onnx

    # The model itself is traced, not a module around it, for the sake of its weights' names.
    network.module.forward = lambda images: tuple(network.forward(images).values())
    options: dict[str, Any] = {}
    if 'dynamo' in inspect.signature(torch.onnx.export).parameters:
        options['dynamo'] = False  # older versions of torch have this exporter only
    buffer: Any = io.BytesIO()
    try:
        torch.onnx.export(
            network.module,
            (image,),
            buffer,
            input_names=[_INPUT],
            output_names=list(expected),
            dynamic_axes=axes,
            opset_version=opset,
            # Else batch norms are merged into convolutions and matrices transposed.
            do_constant_folding=False,
            **options,
        )
    except Exception as error:  # torch and the operators' own code raise anything
        raise LotteryError(
            f'torch cannot export {network.name} to ONNX: {_reason(error)}; give another '
            f'--opset{network.other_part}'
        ) from error
    nodes = onnx.load_from_string(buffer.getvalue()).graph.node
    foreign = sorted({node.op_type for node in nodes if node.domain not in ('', 'ai.onnx')})
    if foreign:
        raise LotteryError(
            f'{network.name} has operators that ONNX lacks and stock runtimes do not know: '
            f'{", ".join(foreign)}' + ('; try --part features' if network.part == 'network' else '')
        )
    return buffer.getvalue()


def _compare(content: bytes, expected: Outputs, images: Tensor) -> Difference:
    """Runs the file in onnxruntime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(content, options, ['CPUExecutionProvider'])
        results = session.run(list(expected), {_INPUT: images.numpy()})
    except Exception as error:  # of many kinds, which onnxruntime keeps to itself
        raise LotteryError(f'onnxruntime cannot run the file: {_reason(error)}') from error
    found = [
        _difference(tensor, torch.from_numpy(np.asarray(result)))
        for tensor, result in zip(expected.values(), results)
    ]
    return Difference(max(d.absolute for d in found), max(d.relative for d in found))


def _difference(expected: Tensor, found: Tensor) -> Difference:
    if expected.shape != found.shape:
        return Difference(math.inf, math.inf)
    if not expected.numel():
        return Difference(0.0, 0.0)
    expected, found = expected.double(), found.double()
    apart = (expected - found).abs().masked_fill(expected == found, 0).nan_to_num(math.inf)
    scale = expected.abs().nan_to_num(0, 0, 0).max().clamp(min=1e-12)
    return Difference(float(apart.max()), float(apart.max() / scale))


def _holds(content: bytes, network: _Network, images: Tensor) -> bool:
    """Whether the file is right for these images, too."""
    try:
        return _compare(content, network.forward(images), images).relative <= TOLERANCE
    except LotteryError:
        return False


def _write(content: bytes, path: Path) -> None:
    try:
        with atomic_path(path) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        raise LotteryError(f'{path} cannot be written: {error.strerror or error}') from error


def _reason(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return f'{type(error).__name__}: {lines[0].strip():.200}' if lines else type(error).__name__
