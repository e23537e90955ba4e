"""Gaussian weights: what is drawn, where the prior pulls, a posterior known in closed form."""

import copy
import math

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from mmlth.pruning import (
    Mask,
    PruningError,
    add_deviations,
    add_prior_gradient,
    attach_mask,
    attached_mask,
    count_parameters,
    deviations,
    divergence,
    draw_weights,
    gaussian_weights,
    kaiming_scale,
    masked_class,
    means,
    prune,
    restore_means,
)
from mmlth.pruning.scores import signal_to_noise


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 2))


NAMES = ('0.weight', '3.weight')
IMAGES = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(1))


def gaussian(scale=0.5, sparsity=None):
    model = network()
    add_deviations(model, NAMES, scale)
    if sparsity:
        attach_mask(model, prune({n: model.get_parameter(n) for n in NAMES}, sparsity=sparsity))
    return model


def test_what_is_drawn():
    """μ + σ · ε, by the generator that noise comes from; gradients reach both."""
    model, plain = gaussian(), network()
    torch.manual_seed(5)
    assert draw_weights(model) == 2
    torch.manual_seed(5)
    noise = {name: torch.randn_like(plain.get_parameter(name)) for name in NAMES}
    drawn = {
        name: plain.get_parameter(name)
        + 0.5 * kaiming_scale(plain.get_parameter(name)) * noise[name]
        for name in NAMES
    }
    leaves = {name: weight.detach().requires_grad_() for name, weight in drawn.items()}
    expected = torch.func.functional_call(plain, leaves, IMAGES)
    found = model(IMAGES)
    torch.testing.assert_close(found, expected)
    assert [name for name, _ in model.named_parameters()] == [
        *('0.weight', '0.bias', '0.weight_mmlth_log_sigma'),
        *('3.weight', '3.bias', '3.weight_mmlth_log_sigma'),
    ]
    found.square().sum().backward()
    expected.square().sum().backward()
    for name, (mean, log_deviation) in zip(NAMES, gaussian_weights(model)):
        torch.testing.assert_close(mean.grad, leaves[name].grad)
        slope = leaves[name].grad * noise[name] * log_deviation.exp()
        torch.testing.assert_close(log_deviation.grad, slope)
    restore_means(model)
    assert torch.equal(model(IMAGES), plain(IMAGES))
    assert model[0].weight is model.get_parameter('0.weight')


def test_each_draw_is_another_and_the_state_is_that_of_the_means():
    model = gaussian()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    draw_weights(model)
    first = model(IMAGES)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    draw_weights(model)
    assert not torch.equal(model(IMAGES), first)
    restore_means(model)
    assert means(model.state_dict()).keys() == network().state_dict().keys()
    network().load_state_dict(means(model.state_dict()))
    assert count_parameters(model) == count_parameters(network())
    assert add_deviations(model, NAMES, 0.1) == []  # they are there


def test_shared_weights_share_what_is_drawn():
    model = nn.ModuleList([nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False)])
    model[1].weight = model[0].weight
    add_deviations(model, ['0.weight'])
    assert draw_weights(model) == 1
    assert torch.equal(model[0](torch.eye(3)), model[1](torch.eye(3)))
    assert model[0].__dict__['weight'] is model[1].__dict__['weight']


@pytest.mark.parametrize('sparsity', [None, 0.6])
def test_the_gradient_of_the_divergence_is_that_of_its_formula(sparsity):
    model = gaussian(sparsity=sparsity).double()
    other = copy.deepcopy(model)
    (0.25 * divergence(other, prior=0.7)).backward()
    for pair in gaussian_weights(model):
        for parameter in pair:
            parameter.grad = torch.ones_like(parameter)
    add_prior_gradient(model, prior=0.7, strength=0.25)
    for pair, expected in zip(gaussian_weights(model), gaussian_weights(other)):
        for found, slope in zip(pair, expected):
            torch.testing.assert_close(found.grad, 1 + slope.grad)
    assert model[0].bias.grad is None


def test_the_divergence_by_hand():
    model = nn.Linear(2, 3, bias=False)  # whose scale is 1
    add_deviations(model, ['weight'], scale=0.5)
    nn.init.constant_(model.weight, 0.2)
    each = math.log(2 / 0.5) + (0.5**2 + 0.2**2) / (2 * 2**2) - 0.5
    assert float(divergence(model, prior=2)) == pytest.approx(6 * each)
    attach_mask(model, {'weight': torch.eye(3, 2, dtype=torch.bool)})
    assert float(divergence(model, prior=2)) == pytest.approx(2 * each)


def test_pruned_means_zero_for_both():
    model = gaussian(sparsity=0.6)
    mask = attached_mask(model)
    assert list(mask) == list(NAMES)
    copied = copy.deepcopy(model)
    copied.load_state_dict(gaussian().state_dict())  # of a dense one
    for each in (model, copied):
        optimizer = torch.optim.Adam(each.parameters(), lr=0.1)
        for _ in range(3):
            draw_weights(each)
            for name, kept in mask.items():
                assert not each.get_submodule(name[0]).__dict__['weight'][~kept].any()
            optimizer.zero_grad()
            each(IMAGES).square().sum().backward()
            add_prior_gradient(each, 1.0, 0.1)
            optimizer.step()
            restore_means(each)
        state = each.state_dict()
        for name, kept in mask.items():
            assert not state[name][~kept].any()
            assert not state[f'{name}_mmlth_log_sigma'][~kept].any()
            assert not deviations(state, mask)[name][~kept].any()
            assert (deviations(state, mask)[name][kept] > 0).all()
            assert not each.get_parameter(f'{name}_mmlth_log_sigma').grad[~kept].any()


def test_frozen_weights_stay_at_their_means():
    model = gaussian()
    model[0].weight.requires_grad = False
    assert draw_weights(model) == 1
    assert 'weight' not in model[0].__dict__


def test_the_prior_reaches_the_parameters_of_one_optimizer():
    model = gaussian()
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    add_prior_gradient(model, 1.0, 1.0, among=model[3].parameters())
    assert not model[0].weight.grad.any()
    assert model[3].weight.grad.all()
    assert model[3].weight_mmlth_log_sigma.grad.all()


def test_parameters_of_a_model_that_are_called_so():
    model = network()
    model.cls_log_sigma = nn.Parameter(torch.zeros(3))
    attach_mask(model, prune({n: model.get_parameter(n) for n in NAMES}, sparsity=0.6))
    assert 'cls_log_sigma' in means(model.state_dict())
    assert count_parameters(model) == count_parameters(network()) + 3


class Momentum(nn.Module):
    """A layer and its average."""

    def __init__(self):
        super().__init__()
        self.online = nn.Sequential(nn.Linear(3, 3))
        self.average = AveragedModel(self.online)


def test_averages_of_gaussian_weights_are_pruned_with_them():
    model = Momentum()
    add_deviations(model, ['online.0.weight'])
    kept = torch.eye(3, dtype=torch.bool)
    attach_mask(model, {'online.0.weight': kept})
    assert not model.average.module[0].weight[~kept].any()
    assert not model.online[0].weight[~kept].any()


def test_deviations_may_come_after_the_mask():
    model = network()
    attach_mask(model, prune({n: model.get_parameter(n) for n in NAMES}, sparsity=0.6))
    add_deviations(model, NAMES, 0.5)
    expected = gaussian(sparsity=0.6).state_dict()
    assert all(torch.equal(tensor, expected[n]) for n, tensor in model.state_dict().items())
    assert isinstance(model[0], masked_class(nn.Conv2d))
    assert 'log_sigma' not in repr(model)


@pytest.mark.parametrize('temperature', [1.0, 0.1])
def test_the_posterior_of_a_linear_model(temperature):
    """With orthogonal inputs weights are independent: precision a/T + 1/s², mean by the data."""
    torch.manual_seed(0)
    inputs = torch.linalg.qr(torch.randn(40, 4)).Q * torch.tensor([2.0, 4, 6, 8])
    noise, prior = 0.5, 1.5
    labels = inputs @ torch.tensor([[1.0], [-0.5], [0.3], [0.0]]) + noise * torch.randn(40, 1)
    model = nn.Linear(4, 1, bias=False)
    add_deviations(model, ['weight'])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 4000)
    for _ in range(4000):
        draw_weights(model)
        loss = (model(inputs) - labels).square().sum() / (2 * noise**2) / 40
        optimizer.zero_grad()
        loss.backward()
        add_prior_gradient(model, prior, temperature / 40)
        optimizer.step()
        schedule.step()
    restore_means(model)
    fits = inputs.square().sum(0) / noise**2
    precisions = fits / temperature + 1 / (prior * kaiming_scale(model.weight)) ** 2
    best = (inputs.T @ labels)[:, 0] / inputs.square().sum(0)
    mean = fits / temperature * best / precisions
    deviation = precisions.rsqrt()
    found = deviations(model.state_dict(), {})['weight'][0]
    torch.testing.assert_close(found, deviation, rtol=0.1, atol=0)
    assert ((model.weight[0].detach() - mean).abs() < 0.2 * deviation + 0.01).all()


def test_the_score_by_hand():
    state = {'w': torch.tensor([3.0, -2.0, 1.0, 1.0]), 'v': torch.tensor([1.0])}
    state |= {'w_mmlth_log_sigma': torch.tensor([3.0, 1.0, 0.25, 4.0]).log()}
    mask = Mask({'w': torch.ones(4, dtype=torch.bool)})
    # 1, 2, 4 and 1/4
    assert prune(state, mask, keep=2, score=signal_to_noise)['w'].tolist() == [0, 1, 1, 0]
    dense = Mask({**mask, 'v': torch.tensor([True])})
    with pytest.raises(PruningError, match=r"'v' has none beside it \(v_mmlth_log_sigma\)"):
        prune(state, dense, keep=2, score=signal_to_noise)
