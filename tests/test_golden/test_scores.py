"""Scores beside those of Synaptic-Flow, snip, GraSP, Taylor_pruning and deconstructing-lottery."""

import pytest
import torch
from golden_files import tensors
from torch import nn

from mmlth.pruning import Mask, ScoreInputs, prune
from mmlth.pruning.allocation import uniform
from mmlth.pruning.scores import (
    Grasp,
    Snip,
    Synflow,
    Taylor,
    magnitude,
    magnitude_increase,
    movement,
)

WEIGHTS = ('0.weight', '3.weight', '6.weight', '11.weight')


class Network:
    """The network of the file, and its loss on the batches that are given."""

    def __init__(self, batches, dtype=torch.float64, temperature=1.0):
        self.model = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Conv2d(8, 16, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Conv2d(16, 16, 3, padding=1, groups=4, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(16, 10),
        )
        self.model.load_state_dict(tensors('scores_at_start', 'state.'))
        self.model.to(dtype)
        self.batches = [(x.to(dtype), y) for x, y in batches]
        self.dtype, self.temperature = dtype, temperature

    def losses(self, batches):
        for x, y in self.batches[:batches]:
            yield nn.functional.cross_entropy(self.model(x) / self.temperature, y)

    def response(self):
        assert not self.model.training
        dtype = next(self.model.parameters()).dtype
        return self.model(torch.ones(1, 3, 12, 12, dtype=dtype)).sum()

    @property
    def state(self):
        return {name: t.detach().clone() for name, t in self.model.state_dict().items()}

    @property
    def weights(self):
        return {name: self.state[name] for name in WEIGHTS}

    def scores(self, score):
        dense = Mask.dense(self.weights)
        return score(ScoreInputs(self.state, dense, self.state, self))

    def mask(self, score, keep):
        # Synflow computes in double precision by itself, the others in that of the network.
        return prune(
            self.state,
            Mask.dense(self.weights),
            keep=keep,
            score=score,
            start=self.state,
            network=self,
        )


def whole():
    stored = tensors('scores_at_start')
    return [(stored['x'], stored['y'])]


def halves():
    ((x, y),) = whole()
    return [(x[:10], y[:10]), (x[10:], y[10:])]


def normalised(scores):
    """Scores whose absolute values sum to 1, since the references scale theirs."""
    scale = sum(score.abs().sum() for score in scores.values())
    return torch.cat([(scores[name] / scale).flatten() for name in WEIGHTS]).double()


@pytest.mark.parametrize(
    ('name', 'score', 'temperature'),
    [('snip', Snip(), 1.0), ('grasp', Grasp(), 200.0), ('synflow', Synflow(), 1.0)],
)
@pytest.mark.parametrize(('dtype', 'tolerance'), [(torch.float64, 1e-14), (torch.float32, 2e-6)])
def test_scores_at_the_start(name, score, temperature, dtype, tolerance):
    expected = normalised(tensors('scores_at_start', f'{name}.score.'))
    computed = normalised(Network(whole(), dtype, temperature).scores(score))
    assert float((computed - expected).abs().max() / expected.abs().max()) < tolerance


@pytest.mark.parametrize('share', ['0.5', '0.1', '0.02'])
@pytest.mark.parametrize(
    ('name', 'network', 'score'),
    [
        ('snip', lambda: Network(whole()), Snip()),
        ('grasp', lambda: Network(halves(), temperature=200.0), Grasp(2)),
    ],
)
def test_masks_at_the_start(name, network, score, share):
    expected = tensors('scores_at_start', f'{name}.mask_{share}.')
    keep = sum(int(kept.sum()) for kept in expected.values())
    mask = network().mask(score, keep)
    assert all(torch.equal(mask[weight], expected[weight].bool()) for weight in WEIGHTS)


def test_the_temperature_of_both_public_grasps_changes_masks():
    """The paper divides logits by 200; losses of detectors have no such place."""
    expected = tensors('scores_at_start', 'grasp.mask_0.1.')
    keep = sum(int(kept.sum()) for kept in expected.values())
    mask = Network(halves()).mask(Grasp(2), keep)
    assert sum(int((mask[w] != expected[w].bool()).sum()) for w in WEIGHTS) == 68


def test_the_magnitude_mask():
    expected = tensors('scores_at_start', 'magnitude.mask_0.3.')
    keep = sum(int(kept.sum()) for kept in expected.values())
    mask = prune(Network(whole()).weights, keep=keep, score=magnitude)
    assert all(torch.equal(mask[weight], expected[weight].bool()) for weight in WEIGHTS)


def test_synflow_in_ten_steps():
    """One step at a time, since the reference rounds what it prunes down at every step."""
    network = Network(whole())
    mask = Mask.dense(network.weights)
    for keep in tensors('scores_at_start')['synflow.kept_by_step'].tolist():
        mask = prune(
            network.state,
            mask,
            keep=int(keep),
            score=Synflow(1),
            start=network.state,
            network=network,
        )
    expected = tensors('scores_at_start', 'synflow.mask_10_steps.')
    assert all(torch.equal(mask[weight], expected[weight].bool()) for weight in WEIGHTS)


@pytest.mark.parametrize(('dtype', 'tolerance'), [(torch.float64, 1e-14), (torch.float32, 1e-6)])
def test_taylor_of_filters(dtype, tolerance):
    stored = tensors('taylor')
    network = Network(zip(stored['x'], stored['y']), dtype)
    scores = network.scores(Taylor(5))
    expected = tensors('taylor', 'taylor.filters.')
    for name, filters in expected.items():
        # The reference has the square of a filter's sum, as the sum of its weights' squares.
        computed = scores[name].flatten(1).sum(1).double()
        assert float((computed - filters).abs().max() / filters.abs().max()) < tolerance, name


@pytest.mark.parametrize(
    ('name', 'score'),
    [
        ('magnitude_increase', magnitude_increase),
        ('movement', movement),
        ('large_final', magnitude),
    ],
)
def test_scores_of_deconstructing_lottery_tickets(name, score):
    start = tensors('zhou', 'start.')
    mask = Mask.dense(start)
    for number in range(1, 5):
        expected = tensors('zhou', f'{name}.round_{number}.')
        trained = tensors('zhou', f'trained.round_{number}.')
        for weight, kept in expected.items():  # each layer on its own
            pruned = prune(
                {weight: trained[weight]},
                Mask({weight: mask[weight]}),
                keep=int(kept.sum()),
                score=score,
                allocation=uniform,
                start=start,
            )
            assert torch.equal(pruned[weight], kept.bool()), (number, weight)
        mask = Mask({weight: kept.bool() for weight, kept in expected.items()})
