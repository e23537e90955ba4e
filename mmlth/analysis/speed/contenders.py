"""What is measured against each other: one network in several runtimes.

All compute in float32, and take one image at a time.
"""

import contextlib
import copy
import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from mmlth.analysis.speed.interleaving import timed
from mmlth.analysis.speed.subject import MNN_DENSE, MNN_SPARSE, ONNX, Subject
from mmlth.engine.exporting import Outputs, RuntimeProcess, layers_in
from mmlth.engine.models import folded


@dataclass(frozen=True)
class Lane:
    """A contender that is ready to run.

    Attributes:
        outputs: What it computes of the image, in the order of the network's own outputs.
        seconds: Runs it twice and returns the seconds of the second run.
        note: A remark for tables.
        layers: What was chosen for each layer, as values of JSON.
    """

    outputs: Sequence[Any]
    seconds: Callable[[], float]
    note: str = ''
    layers: Sequence[dict[str, Any]] = field(default=())


Open = Callable[[Subject, int], AbstractContextManager[Lane]]
"""Makes a contender ready for a subject and a number of threads; torch has that many already."""


@dataclass(frozen=True)
class Contender:
    """A runtime, or a way to run a network in it.

    Attributes:
        name: What tables and plots call it.
        open: Makes it ready.
        skips_zeros: Whether it is faster where weights are zero.
        package: What must be installed for it, by the name that is imported; None of PyTorch.
    """

    name: str
    open: Open
    skips_zeros: bool = False
    package: str | None = None


OWN = 'mmlth'
"""The name of the contender that `mmlth.accelerate` makes."""


@contextlib.contextmanager
def _accelerated(subject: Subject, threads: int) -> Iterator[Lane]:
    from mmlth.runtime import accelerate

    acceleration = accelerate(subject.network, subject.image, show=None)
    layers = [_as_json(layer) for layer in acceleration.layers]
    note = f'{acceleration.choice}, {acceleration.no_sparse or "faster as a whole"}'
    if acceleration.choice == 'sparse':
        sparse = sum(layer['choice'] == 'sparse' for layer in layers)
        note = f'{sparse} of {len(layers)} layers sparse'
    yield _torch_lane(acceleration.model, subject.image, note, layers)


def _as_json(layer: Any) -> dict[str, Any]:
    """The fields of a layer of an acceleration; JSON has no tuples, and no types of torch."""
    return json.loads(json.dumps(dataclasses.asdict(layer), default=str))


def _dense(fold: bool, memory_format: torch.memory_format) -> Open:
    @contextlib.contextmanager
    def open_dense(subject: Subject, threads: int) -> Iterator[Lane]:
        network: Any = folded(subject.network) if fold else copy.deepcopy(subject.network)
        network = network.to(memory_format=memory_format)
        yield _torch_lane(network, subject.image.contiguous(memory_format=memory_format))

    return open_dense


def _torch_lane(
    network: nn.Module, image: Tensor, note: str = '', layers: Sequence[dict[str, Any]] = ()
) -> Lane:
    def run() -> Outputs:
        with torch.inference_mode():
            return network(image)

    return Lane([*run().values()], lambda: timed(run), note, layers)


def _process(runtime: str, file: str) -> Open:
    @contextlib.contextmanager
    def open_process(subject: Subject, threads: int) -> Iterator[Lane]:
        content, names = subject.file(file), list(subject.expected)
        note = ''
        if file == MNN_SPARSE:
            note = '{} of {} layers sparse'.format(*layers_in(content))
        with RuntimeProcess(runtime, content, names, threads) as process:
            yield Lane(process.run(subject.image), process.seconds, note)

    return open_process


CONTENDERS = (
    Contender(OWN, _accelerated, skips_zeros=True),
    Contender('PyTorch', _dense(False, torch.contiguous_format)),
    Contender('PyTorch, channels last', _dense(False, torch.channels_last)),
    Contender('PyTorch, folded', _dense(True, torch.contiguous_format)),
    Contender('PyTorch, folded, channels last', _dense(True, torch.channels_last)),
    Contender('ONNX Runtime', _process('onnxruntime', ONNX), package='onnxruntime'),
    Contender('OpenVINO', _process('openvino', ONNX), package='openvino'),
    Contender('MNN', _process('mnn', MNN_DENSE), package='MNN'),
    Contender('MNN, sparse', _process('mnn', MNN_SPARSE), skips_zeros=True, package='MNN'),
)
"""All of them. Folded: with batch norms merged into convolutions, as all but PyTorch have them."""
