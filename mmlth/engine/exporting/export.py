"""The network of a ticket as a file for other runtimes, checked against torch.

torch's exporter by tracing is used (``dynamo=False``): it needs no package but onnx, older versions
of torch have it, too, and it exports most models of both zoos. The newer one needs onnxscript.
Nothing is folded or fused in the ONNX file, so that its weights keep the names and shapes that they
have in the model, and zeros stay where they are. Runtimes fold and fuse when they load it; MNN's
converter does when it reads it.
"""

from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config
from torch import Tensor, nn

from mmlth.engine.errors import LotteryError
from mmlth.engine.exporting.check import Difference, compare
from mmlth.engine.exporting.mnn_file import mnn_from_onnx
from mmlth.engine.exporting.mnn_layers import layers_in
from mmlth.engine.exporting.part import Outputs, Part, noise, outputs_of_one, part_of
from mmlth.engine.exporting.runtime_process import RuntimeProcess
from mmlth.engine.exporting.runtimes import Runtime, runtime_named
from mmlth.engine.exporting.ticket_model import ticket_model
from mmlth.engine.exporting.trace import Axes, batch_axes, trace, tracing_quietly
from mmlth.ticket import write_bytes
from mmlth_common.choices import OPSET


@dataclass(frozen=True)
class SparseLayers:
    """What of a file is stored, and run, without its zeros.

    Attributes:
        marked: How many layers are.
        layers: How many layers with weights there are; see `Layers`.
        dense_bytes: The size of the same file with all zeros.
    """

    marked: int
    layers: int
    dense_bytes: int


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        path: The file.
        runtime: Which runtime it is for, one of `RUNTIMES`.
        opset: The version of the ONNX operators that it has, or was converted from.
        size: Height and width of its images, in pixels.
        outputs: The names of its outputs.
        any_batch: Whether it takes any number of images at once, or one.
        difference: To torch; None if it was not checked.
        sparse: What of it is sparse; None of an ONNX file, which has no way to say so.
    """

    path: Path
    runtime: str
    opset: int
    size: tuple[int, int]
    outputs: tuple[str, ...]
    any_batch: bool
    difference: Difference | None
    sparse: SparseLayers | None


def export_ticket(
    ticket: str | Path,
    path: str | Path,
    *,
    runtime: str | None = None,
    config: str | Path | Config | None = None,
    size: tuple[int, int] | None = None,
    part: str = 'features',
    opset: int = OPSET,
    check: bool = True,
) -> Exported:
    """Writes the network of a ticket as a file for another runtime.

    Args:
        ticket: A ticket file that holds trained weights.
        path: The file to write, as for `export_model`.
        runtime: One of `RUNTIMES`, as for `export_model`.
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
    runtime_named(runtime, Path(path).suffix).require_packages(check)
    own = ticket_model(ticket, config, size)
    return export_model(
        own.model, path, runtime=runtime, size=own.size, part=part, opset=opset, check=check
    )


def export_model(
    model: nn.Module,
    path: str | Path,
    *,
    size: tuple[int, int],
    runtime: str | None = None,
    part: str = 'features',
    opset: int = OPSET,
    check: bool = True,
) -> Exported:
    """Writes a network as a file for another runtime; its input are images that are normalised.

    It takes any number of images at once. Where no such file can be made, or where the check finds
    that it is wrong for two, as of models whose code fixes the number while it is traced, the file
    takes one image.

    Args:
        model: A model of MMDetection or MMPose, under a mask or not; stays as it is.
        path: Where to; written atomically.
        size: Height and width of the images, in pixels.
        runtime: One of `RUNTIMES`. By default the suffix of the path decides: ``.mnn`` is
            for MNN, any other for ONNX.
        part: ``'features'``: backbone and neck. ``'network'``: with the heads, up to their raw
            outputs.
        opset: Version of the ONNX operators.
        check: Whether to run the file in its runtime (onnxruntime, MNN) and compare with torch.

    Raises:
        LotteryError: If it cannot be exported, differs from torch, or cannot be written; nothing
            is written then.
    """
    target = runtime_named(runtime, Path(path).suffix)
    target.require_packages(check)
    chosen = part_of(model, part, size)
    made = _made(chosen, noise(chosen, size, 2), target, opset, check)
    if made.difference is not None and not made.difference.tolerable:
        raise LotteryError(
            f'the file would compute otherwise than torch: outputs differ by up to '
            f'{made.difference.absolute:.2g}, {made.difference.relative:.2g} of the largest '
            f'number; nothing was written; try another --opset (opset){chosen.alternative}'
        )
    _write(made.content, Path(path))
    return Exported(
        Path(path),
        target.name,
        opset,
        size,
        made.outputs,
        bool(made.axes),
        made.difference,
        _sparse_layers(made) if target.name == 'mnn' else None,
    )


@dataclass(frozen=True)
class _Made:
    """The content of a file, before it is written."""

    onnx: bytes
    content: bytes
    outputs: tuple[str, ...]
    axes: Axes
    difference: Difference | None


@dataclass(frozen=True)
class _Order:
    """What a file is made of.

    Attributes:
        part: The part of a model that it computes.
        images: Two images to try it on.
        expected: The outputs for the first of them, by name.
        target: The runtime that it is for.
        opset: Version of the ONNX operators.
        check: Whether the file is run and compared.
    """

    part: Part
    images: Tensor
    expected: Outputs
    target: Runtime
    opset: int
    check: bool


def _made(part: Part, images: Tensor, target: Runtime, opset: int, check: bool) -> _Made:
    """The file for any number of images, or for one where that cannot be made or is wrong."""
    with tracing_quietly():
        expected = outputs_of_one(part, images[:1])
        order = _Order(part, images, expected, target, opset, check)
        if axes := batch_axes(part, images, expected):
            try:
                made, any_number = _made_for(order, axes)
            except LotteryError:
                any_number = False  # what is wrong with a file for one image, too, is told by that
            if any_number:
                return made
        return _made_for(order, {})[0]


def _made_for(order: _Order, axes: Axes) -> tuple[_Made, bool]:
    """A file with these axes, and whether it may take any number of images."""
    part, images = order.part, order.images
    onnx = trace(part, images[:1], order.expected, axes, order.opset)
    content = order.target.convert(onnx)
    names = tuple(order.expected)
    if not order.check:
        return _Made(onnx, content, names, axes, None), True
    with RuntimeProcess(order.target.process, content, names) as process:
        difference = compare(process.run(images[:1]), order.expected)
        made = _Made(onnx, content, names, axes, difference)
        if not axes or not difference.tolerable:
            return made, False
        return made, compare(process.run(images), part.forward(images)).tolerable


def _sparse_layers(made: _Made) -> SparseLayers:
    dense = mnn_from_onnx(made.onnx, sparse=False)
    return SparseLayers(*layers_in(made.content), len(dense))


def _write(content: bytes, path: Path) -> None:
    try:
        write_bytes(path, content)
    except OSError as error:
        raise LotteryError(f'{path} cannot be written: {error.strerror or error}') from error
