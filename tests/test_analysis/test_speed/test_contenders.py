"""Contenders are the network that is measured, and say what became of its zeros."""

import importlib.util
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
import torch
from speeds import SUBJECT
from torch import nn

from mmlth import find_targets, masked, prune
from mmlth.analysis.speed import CONTENDERS, OWN, measure, subject_of, tickets
from mmlth.engine.exporting import part_of
from mmlth.errors import LotteryError
from mmlth.pruning.allocation import uniform


@dataclass
class Acceleration:
    """What `mmlth.accelerate` returns."""

    choice: str
    model: nn.Module
    layers: list = field(default_factory=list)
    no_sparse: str = ''


@dataclass
class Layer:
    choice: str
    shapes: tuple = ((1, 2, 3, 4),)


@pytest.mark.parametrize(
    ('choice', 'layers', 'why', 'note'),
    [
        ('sparse', ['sparse', 'dense', 'sparse'], '', '2 of 3 layers sparse'),
        ('given', ['dense'], '', 'given, faster as a whole'),
        ('dense', [], 'since there is no compiler', 'dense, since there is no compiler'),
    ],
)
def test_the_note_on_mmlth_says_what_is_sparse(choice, layers, why, note, monkeypatch, capsys):
    def accelerate(network, *examples, show=print):
        assert show is None
        assert [tuple(example.shape) for example in examples] == [(1, 2, 3, 4)]
        result = nn.Module()
        result.forward = lambda image: {'output': image}
        return Acceleration(choice, result, [Layer(each) for each in layers], why)

    monkeypatch.setattr('mmlth.runtime.accelerate', accelerate)
    (own,) = [contender for contender in CONTENDERS if contender.name == OWN]
    with own.open(SUBJECT, 1) as lane:
        assert lane.note == note
        assert [layer['choice'] for layer in lane.layers] == layers
        assert all(layer['shapes'] == [[1, 2, 3, 4]] for layer in lane.layers)
    assert not capsys.readouterr().out


class Detector(nn.Module):
    """A backbone, as of detectors."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
        self.conv2, self.bn2 = nn.Conv2d(16, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)

    def extract_feat(self, images):
        first = self.bn1(self.conv1(images)).relu()
        return [first, self.bn2(self.conv2(first)).relu() + first]


def test_folding_and_other_runtimes_compute_the_same():
    torch.manual_seed(0)
    model = Detector().eval()
    for norm in (model.bn1, model.bn2):
        nn.init.uniform_(norm.running_var, 0.5, 2)
        nn.init.normal_(norm.running_mean)
    weights = {t.name: t.parameter.detach() for t in find_targets(model)}
    mask = prune(weights, sparsity=0.8, allocation=uniform)
    model.load_state_dict(masked(model.state_dict(), mask))
    timings = measure(subject_of(part_of(model, 'features', (16, 24)), (16, 24)), [1, 1], 1)
    for timing in timings:
        assert timing.error is None, timing
        assert timing.difference < 1e-5
        if timing.contender == 'PyTorch':  # at the second time, too: the network stays as it is
            assert timing.difference == 0
        if timing.contender == 'PyTorch, folded':
            assert timing.difference > 0  # its weights are other numbers
    notes = {timing.contender: timing.note for timing in timings}
    assert notes['MNN, sparse'] == '2 of 2 layers sparse'


class Swapped(Detector):
    """Norms that are declared after convolutions that they do not follow."""

    def extract_feat(self, images):
        return [self.bn1(self.conv2(self.conv1(images)))]


def test_where_folding_is_wrong_there_is_no_time():
    torch.manual_seed(0)
    model = Swapped().eval()
    nn.init.uniform_(model.bn1.running_var, 0.5, 2)
    timings = measure(subject_of(part_of(model, 'features', (8, 8)), (8, 8)), [1], 1)
    wrong = {timing.contender for timing in timings if timing.error}
    assert wrong == {'PyTorch, folded', 'PyTorch, folded, channels last'}


@pytest.mark.parametrize('shift', [0.0, 0.3])
def test_a_network_that_computes_the_same_of_every_image_is_not_measured(shift):
    """A layer without weights is followed by norms, whose shifts go on."""
    model = Detector().eval()
    for norm in (model.bn1, model.bn2):
        nn.init.zeros_(norm.weight)
        nn.init.constant_(norm.bias, shift)
    with pytest.raises(LotteryError, match='Detector computes the same of every image, as'):
        subject_of(part_of(model, 'features', (8, 8)), (8, 8))


def test_without_the_writer_of_onnx_files_pytorch_and_mmlth_are_measured(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        'importlib.util.find_spec', lambda name: None if name == 'onnx' else find(name)
    )
    subject = subject_of(part_of(Detector().eval(), 'features', (8, 8)), (8, 8))
    timings = {timing.contender: timing for timing in measure(subject, [1], 1)}
    assert timings[OWN].milliseconds
    assert timings['PyTorch'].milliseconds
    for name in {'ONNX Runtime', 'OpenVINO', 'MNN', 'MNN, sparse'} & timings.keys():
        assert timings[name].error == 'onnx, which writes its files, is not installed'


def test_a_ticket_that_changes_while_it_is_measured_is_refused(tmp_path, monkeypatch):
    path = tmp_path / 'ticket.safetensors'
    path.write_bytes(b'before')
    own = SimpleNamespace(model=None, size=(8, 8))
    for name, result in (('ticket_model', own), ('part_of', None), ('subject_of', None)):
        monkeypatch.setattr(tickets, name, lambda *_, result=result: result)
    monkeypatch.setattr(tickets, 'measure', lambda *_, **__: path.write_bytes(b'after'))
    with pytest.raises(LotteryError, match='was written anew while the network'):
        tickets.ticket_speed(path)
