"""What is measured: a network, an image, and the network as files."""

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mmlth.engine.exporting import (
    Outputs,
    Part,
    PartNetwork,
    mnn_from_onnx,
    noise,
    onnx_of,
    outputs_of_one,
)
from mmlth.errors import LotteryError


@dataclass(frozen=True)
class Subject:
    """A network to be measured.

    Attributes:
        network: Computes outputs by name from images, as PyTorch computes any network.
        image: One image, float32 [1, C, H, W].
        expected: What the network computes of it.
        files: The network as files, by `ONNX`, `MNN_DENSE` and `MNN_SPARSE`; instead of their
            content why there is none.
    """

    network: nn.Module
    image: Tensor
    expected: Outputs
    files: Mapping[str, bytes | str]

    def file(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            LotteryError: If there is none; says why.
        """
        content = self.files[name]
        if isinstance(content, str):
            raise LotteryError(content)
        return content


ONNX, MNN_DENSE, MNN_SPARSE = 'onnx', 'mnn_dense', 'mnn_sparse'


def subject_of(part: Part, size: tuple[int, int]) -> Subject:
    """A part of a model as what is measured.

    Args:
        part: The part.
        size: Height and width of the image in pixels.

    Raises:
        LotteryError: If the part cannot be run on such an image, or computes the same of any.
    """
    image = noise(part, size, 1)
    with torch.inference_mode():
        expected, others = outputs_of_one(part, image), outputs_of_one(part, -image)
    if all(torch.equal(expected[name], others[name]) for name in expected):
        raise LotteryError(
            f'{part.model} computes the same of every image, as where a layer has lost all of its '
            'weights: its outputs cannot be compared, and its times say nothing; take another '
            'ticket'
        )
    files = {ONNX: _in_onnx(part, image)}
    for name, sparse in ((MNN_DENSE, False), (MNN_SPARSE, True)):
        files[name] = _in_mnn(files[ONNX], sparse)
    return Subject(PartNetwork(part), image, expected, files)


def _in_onnx(part: Part, image: Tensor) -> bytes | str:
    if importlib.util.find_spec('onnx') is None:
        return 'onnx, which writes its files, is not installed'
    return _content_or_reason(lambda: onnx_of(part, image))


def _in_mnn(onnx: bytes | str, sparse: bool) -> bytes | str:
    if isinstance(onnx, str):
        return onnx
    if importlib.util.find_spec('MNN') is None:
        return 'MNN is not installed'
    return _content_or_reason(lambda: mnn_from_onnx(onnx, sparse))


def _content_or_reason(make: Callable[[], bytes]) -> bytes | str:
    try:
        return make()
    except LotteryError as error:
        return str(error)
