"""What the tests of the data set converters do alike."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
from repository import ROOT


def load_script(path: Path) -> ModuleType:
    """A script as a module, without running it as a command."""
    spec = importlib.util.spec_from_file_location(f'{path.stem}_script', path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def load_converter(name: str) -> ModuleType:
    """The converter of a data set, by the name of its script."""
    return load_script(ROOT / 'tools' / 'dataset_converters' / f'{name}.py')


def error_line(
    converter: ModuleType, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> str:
    """Runs a converter, which must fail in one line of its own; returns the line.

    Args:
        converter: The script as a module.
        arguments: What follows the command.
        capsys: What holds the printed text.
    """
    assert converter.main(arguments) == 1
    out, line = capsys.readouterr()
    assert out == ''
    assert line.startswith(f'{Path(converter.__file__).stem}: ')
    assert line.count('\n') == 1
    return line


def refusal(converter: ModuleType, source: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The line in which a converter refuses a source; nothing is written.

    Args:
        converter: The script as a module.
        source: The folder that it is given; what it would write would lie in ``out`` below.
        capsys: What holds the printed text.
    """
    line = error_line(converter, [str(source), str(source / 'out')], capsys)
    assert not (source / 'out').exists()
    return line


def assert_same_set(out: Path, data: Path, difference: float) -> None:
    """Two sets have equal annotations, and pictures alike but for a second pass through JPEG.

    Args:
        out: The set that a converter wrote.
        data: The set as we have it.
        difference: What the mean difference of a picture's pixels must stay below, of 255.
    """
    for split in ('train', 'val'):
        name = f'annotations/{split}.json'
        assert (out / name).read_bytes() == (data / name).read_bytes(), name
    ours = sorted((data / 'images').iterdir())
    theirs = sorted((out / 'images').iterdir())
    assert [p.name for p in theirs] == [p.name for p in ours]
    for one, other in zip(ours, theirs):
        # The pixels went through JPEG a second time here, so the scans differ; what comes before
        # them (size, subsampling, quantization tables, and so the quality) is the same.
        scan = b'\xff\xda'
        assert one.read_bytes().split(scan)[0] == other.read_bytes().split(scan)[0], one.name
        pixels = [cv2.imread(str(path)).astype(int) for path in (one, other)]
        assert np.abs(pixels[0] - pixels[1]).mean() < difference, one.name
