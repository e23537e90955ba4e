"""Networks and contenders whose speed is made up."""

import contextlib

import torch
from torch import nn

from mmlth.analysis.speed import Contender, Lane, Machine, Speed, Subject, Timing

IMAGE = torch.arange(24.0).reshape(1, 2, 3, 4)
SUBJECT = Subject(nn.Identity(), IMAGE, {'output': IMAGE}, {})
ROUNDS = 8


def contender(name, seconds, outputs=(IMAGE,), note='', package=None):
    """One that computes the outputs, and takes the seconds that it is given turn by turn."""

    @contextlib.contextmanager
    def ready(subject, threads):
        turns = iter(seconds)

        def turn():
            value = next(turns)
            if isinstance(value, Exception):
                raise value
            return value

        yield Lane(outputs, turn, note)

    return Contender(name, ready, package=package)


def timing(name, threads, milliseconds, **changes):
    return Timing(name, threads, tuple(milliseconds), 1e-6, **changes)


def speed(fingerprint='a' * 64, threads=(1, 2), ticket='tickets/round_02.safetensors', **changes):
    """A speed with all kinds of rows: faster, slower, without zeros, failed."""
    timings = []
    for count in threads:
        times = [8.0 / count + 0.1 * i for i in range(ROUNDS)]
        layers = ({'name': 'conv', 'choice': 'sparse', 'density': 0.2},)
        timings += [
            timing('mmlth', count, times, note='1 of 2 layers sparse', layers=layers),
            timing('PyTorch', count, [2 * each for each in times]),
            timing('MNN, sparse', count, [1.5 * each for each in times]),
            Timing('ONNX Runtime', count, (), 0.5, 'its outputs differ by 0.5 of [their] number'),
        ]
    values = {
        'ticket': ticket,
        'fingerprint': fingerprint,
        'model': 'ToyModel',
        'part': 'network',
        'size': (6, 8),
        'sparsity': 0.75,
        'rounds': ROUNDS,
        'timings': tuple(timings),
        'absent': {'OpenVINO': 'OpenVINO needs the package openvino, which is not installed'},
        'machine': Machine('A processor', 'AVX512', 2, {'torch': '2.11'}, {'OMP_NUM_THREADS': '1'}),
        'load': (0.1, 1.2),
    }
    return Speed(**{**values, **changes})
