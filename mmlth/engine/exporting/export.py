"""The network of a ticket as an ONNX file, checked against torch.

torch's exporter by tracing is used (``dynamo=False``): it needs no package but onnx, older versions
of torch have it, too, and it exports most models of both zoos. The newer one needs onnxscript.
Nothing is folded or fused in the file, so that its weights keep the names and shapes that they
have in the model, and zeros stay where they are. Runtimes fold and fuse when they load it.
"""

import importlib.util
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from torch import nn

from mmlth.engine.configs import read_config, validation_size
from mmlth.engine.errors import LotteryError
from mmlth.engine.exporting.check import TOLERANCE, Difference, compare, holds
from mmlth.engine.exporting.part import outputs_of_one, part_of
from mmlth.engine.exporting.trace import batch_axes, trace, tracing_quietly
from mmlth.engine.models import stock_model
from mmlth.engine.tickets import checkpoint_of, config_of, require_match
from mmlth.ticket import atomic_path, load_ticket
from mmlth_common.choices import OPSET
from mmlth_common.packages import missing_package

_MOST_PIXELS = 2**14


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
        path: The file to write, as for `export_model`.
        config: The config of the model: a file, a name such as ``mmdet::FOLDER/CONFIG.py``, or a
            config. By default it is what the ticket holds of it.
        size: Height and width of images in pixels; by default that of the config's validation
            images.
        part: One of `PARTS`, as for `export_model`.
        opset: Version of the ONNX operators.
        check: Whether the file is checked, as for `export_model`.

    Raises:
        TicketError: If it is no ticket, a damaged one, one without trained weights, or one of
            another model.
        LotteryError: If the file or its config cannot be read, and as `export_model`.
    """
    _require_packages(check)
    try:
        loaded = load_ticket(ticket)
    except OSError as error:
        problem = f'{ticket} cannot be read: {error.strerror}' if error.strerror else str(error)
        raise LotteryError(problem) from error
    state = checkpoint_of(loaded)['state_dict']
    if config is not None:
        known = read_config(config)
        settings = known.to_dict()
    elif settings := loaded.metadata('config'):
        known = config_of(loaded.info)
    else:
        raise LotteryError(
            f'{ticket} does not tell the config of its model; give it by --config (config), '
            'as a file or a name such as mmdet::FOLDER/CONFIG.py'
        )
    model = stock_model(known, {})  # weights come next
    size = size or _input_size(settings)
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
        model: A model of MMDetection or MMPose, under a mask or not; stays as it is.
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
            f'--input-size (size) must be two numbers from 1 to {_MOST_PIXELS}, got {size[0]} '
            f'{size[1]}'
        )
    chosen = part_of(model, part, size)
    images = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(0))
    difference = None
    with tracing_quietly():
        expected = outputs_of_one(chosen, images[:1])
        axes = batch_axes(chosen, images, expected)
        content = trace(chosen, images[:1], expected, axes, opset)
        if check:
            difference = compare(content, expected, images[:1])
            if axes and difference.relative <= TOLERANCE and not holds(content, chosen, images):
                axes = {}
                content = trace(chosen, images[:1], expected, axes, opset)
                difference = compare(content, expected, images[:1])
    if difference is not None and difference.relative > TOLERANCE:
        raise LotteryError(
            f'the file would compute otherwise than torch: outputs differ by up to '
            f'{difference.absolute:.2g}, {difference.relative:.2g} of the largest number; nothing '
            f'was written; try another --opset (opset){chosen.alternative}'
        )
    _write(content, Path(path))
    return Exported(Path(path), opset, size, tuple(expected), bool(axes), difference)


def _require_packages(check: bool) -> None:
    for name in ('onnx', 'onnxruntime') if check else ('onnx',):
        if importlib.util.find_spec(name) is None:
            raise LotteryError(missing_package(name, 'exporting'))


def _input_size(config: Mapping[str, Any]) -> tuple[int, int]:
    """Height and width of the largest images that a validation of this config sees."""
    size = validation_size(config)
    if isinstance(size, str):
        raise LotteryError(
            f'the config does not tell the size of its images: {size}; give --input-size H W (size)'
        )
    places = (config.get('data_preprocessor'), config.get('model', {}).get('data_preprocessor'))
    divisor = max(int((place or {}).get('pad_size_divisor') or 1) for place in places)
    height, width = (math.ceil(side / divisor) * divisor for side in (size.height, size.width))
    return height, width


def _write(content: bytes, path: Path) -> None:
    try:
        with atomic_path(path) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        raise LotteryError(f'{path} cannot be written: {error.strerror or error}') from error
