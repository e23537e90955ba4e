"""Laws 3 and 4: pruned means zero, and names stay."""

import copy
import pickle

import pytest
import torch
from law3 import assert_zero
from torch import nn

from mmlth.pruning import (
    Mask,
    attach_mask,
    attached_mask,
    detach_mask,
    find_targets,
    prune,
    revived,
    watched_gradients,
)

OPTIMIZERS = {
    'SGD': lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.1),
    'Nesterov': lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    'Adam': lambda p: torch.optim.Adam(p, lr=0.1, weight_decay=0.1),
    'AdamW': lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.1),
    'RMSprop': lambda p: torch.optim.RMSprop(p, lr=0.1, momentum=0.9, weight_decay=0.1),
}


def make_model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, groups=8, dilation=2),
        nn.ConvTranspose2d(8, 4, 2),
        nn.Flatten(),
        nn.Linear(4 * 5 * 5, 5),
    )


def pruned_model(sparsity: float = 0.5):
    model = make_model()
    weights = {target.name: target.parameter for target in find_targets(model)}
    mask = prune(weights, sparsity=sparsity)
    attach_mask(model, mask)
    return model, mask


def train(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int = 3) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        model(torch.randn(4, 3, 8, 8)).square().sum().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()


@pytest.mark.parametrize('name', OPTIMIZERS)
def test_pruned_weights_and_moments_stay_zero(name):
    model, mask = pruned_model()
    optimizer = OPTIMIZERS[name](model.parameters())
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    train(model, optimizer)
    parameters = dict(model.named_parameters())
    assert_zero(parameters, mask)
    assert_zero({n: p.grad for n, p in parameters.items()}, mask)
    for key in ('momentum_buffer', 'exp_avg', 'exp_avg_sq'):
        moments = {n: optimizer.state[p].get(key) for n, p in parameters.items()}
        if moments['0.weight'] is not None:
            assert_zero(moments, mask)
    # The survivors do train.
    assert all((before[n] != parameters[n])[kept].any() for n, kept in mask.items())
    assert revived(model) == []


def test_by_hand_with_momentum_and_weight_decay():
    # w = (1, 2), the second weight pruned; loss = 3 w0 + 5 w1, so the gradient is (3, 0).
    model = nn.Linear(2, 1, bias=False)
    model.weight.data = torch.tensor([[1.0, 2.0]])
    attach_mask(model, {'weight': torch.tensor([[True, False]])})
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.5, weight_decay=0.1)
    for expected in (
        1 - 0.1 * (3 + 0.1),
        0.69 - 0.1 * (0.5 * 3.1 + 3 + 0.069),
    ):
        optimizer.zero_grad()
        model(torch.tensor([[3.0, 5.0]])).sum().backward()
        assert model.weight.grad.tolist() == [[3.0, 0.0]]
        optimizer.step()
        assert model.weight.tolist()[0] == pytest.approx([expected, 0.0])


def test_clipping_measures_masked_gradients():
    model = nn.Linear(2, 1, bias=False)
    attach_mask(model, {'weight': torch.tensor([[True, False]])})
    model(torch.tensor([[3.0, 400.0]])).sum().backward()
    assert float(torch.nn.utils.clip_grad_norm_(model.parameters(), 100.0)) == 3.0


def test_overflowed_gradients_of_pruned_weights_are_zero():
    model = nn.Linear(2, 1, bias=False)
    attach_mask(model, {'weight': torch.tensor([[True, False]])})
    model(torch.tensor([[1.0, float('inf')]])).backward()
    assert model.weight.grad.tolist() == [[1.0, 0.0]]


def test_gradients_accumulate_masked():
    model, mask = pruned_model()
    for _ in range(2):
        model(torch.randn(4, 3, 8, 8)).square().sum().backward()
    assert_zero({n: p.grad for n, p in model.named_parameters()}, mask)


def test_names_types_and_parameters_stay():
    dense, model = make_model(), make_model()
    parameters = list(model.parameters())
    weights = {target.name: target.parameter for target in find_targets(model)}
    attach_mask(model, prune(weights, sparsity=0.5))
    assert all(a is b for a, b in zip(parameters, model.parameters()))
    assert [(k, v.shape) for k, v in model.state_dict().items()] == [
        (k, v.shape) for k, v in dense.state_dict().items()
    ]
    assert all(isinstance(a, type(b)) for a, b in zip(model, dense))
    detach_mask(model)
    assert [type(a) for a in model] == [type(b) for b in dense]


def test_a_dense_checkpoint_loads_into_the_mask():
    model, mask = pruned_model()
    dense = make_model().state_dict()
    model.load_state_dict(dense)
    for name, weight in model.state_dict().items():
        expected = dense[name] * mask[name] if name in mask else dense[name]
        assert torch.equal(weight, expected), name


def test_a_masked_checkpoint_predicts_the_same_in_a_stock_model():
    model, _ = pruned_model()
    stock = make_model()
    stock.load_state_dict(model.state_dict())
    images = torch.randn(2, 3, 8, 8)
    assert torch.equal(model.eval()(images), stock.eval()(images))


@pytest.mark.parametrize(
    'copied',
    [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))],  # noqa: S301
)
def test_a_copy_trains_under_its_own_mask(copied):
    model, mask = pruned_model()
    train(model, OPTIMIZERS['SGD'](model.parameters()))
    twin = copied(model)
    assert attached_mask(twin) == mask
    train(twin, OPTIMIZERS['SGD'](twin.parameters()))
    assert_zero(dict(twin.named_parameters()), mask)
    assert not torch.equal(twin[0].weight, model[0].weight)


def test_a_detached_model_trains_densely():
    model, _ = pruned_model()
    detach_mask(model)
    train(model, OPTIMIZERS['SGD'](model.parameters()))
    assert all((model[i].weight != 0).all() for i in (0, 3, 4, 6))
    assert attached_mask(model).total == 0


def test_thawed_weights_obey_the_mask():
    model, mask = pruned_model()
    detach_mask(model)
    model[0].requires_grad_(False)
    attach_mask(model, mask)
    assert not model[0].weight.requires_grad
    model[0].requires_grad_(True)
    train(model, OPTIMIZERS['SGD'](model.parameters()))
    assert_zero(dict(model.named_parameters()), mask)


def test_conversions_keep_the_mask():
    model, mask = pruned_model()
    model.to(torch.float64).to(memory_format=torch.channels_last)
    assert attached_mask(model) == mask
    optimizer = OPTIMIZERS['SGD'](model.parameters())
    model(torch.randn(4, 3, 8, 8, dtype=torch.float64)).square().sum().backward()
    optimizer.step()
    assert_zero(dict(model.named_parameters()), mask)


def test_autocast_keeps_the_mask():
    model, mask = pruned_model()
    optimizer = OPTIMIZERS['SGD'](model.parameters())
    with torch.autocast('cpu', dtype=torch.bfloat16):
        loss = model(torch.randn(4, 3, 8, 8)).float().square().sum()
    loss.backward()
    optimizer.step()
    assert_zero(dict(model.named_parameters()), mask)


def test_tied_parameters_are_masked_under_every_name():
    model = nn.Sequential(nn.Linear(4, 4, bias=False), nn.ReLU(), nn.Linear(4, 4, bias=False))
    model[2].weight = model[0].weight
    targets = find_targets(model)
    assert [target.name for target in targets] == ['0.weight']
    mask = prune({'0.weight': model[0].weight}, sparsity=0.5)
    for twin in (model, copy.deepcopy(model)):
        attach_mask(twin, mask)
        twin.load_state_dict({name: torch.ones(4, 4) for name in ('0.weight', '2.weight')})
        optimizer = OPTIMIZERS['SGD'](twin.parameters())
        twin(torch.randn(8, 4)).square().sum().backward()
        optimizer.step()
        assert not twin[2].weight[~mask['0.weight']].any()


def test_revival_is_noticed():
    model, mask = pruned_model()
    with torch.no_grad():
        model[6].weight[~mask['6.weight']] = 1e-30
    assert revived(model) == ['6.weight']


def test_masks_take_one_byte_a_weight():
    model, mask = pruned_model()
    stored = sum(
        p.numel() * p.element_size() for m in model for p in getattr(m, 'pruned', {}).values()
    )
    assert stored == mask.total


@pytest.mark.parametrize(
    ('mask', 'message'),
    [
        ({'9.weight': torch.ones(1).bool()}, 'no parameter'),
        ({'1.running_mean': torch.ones(8).bool()}, 'no parameter'),
        ({'0.weight': torch.ones(8, 3, 3).bool()}, 'has shape'),
    ],
)
def test_a_mask_of_another_model_is_refused(mask, message):
    with pytest.raises(ValueError, match=message):
        attach_mask(make_model(), mask)


def test_a_printed_model_tells_what_is_pruned():
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.MultiheadAttention(4, 1))
    mask = {
        '0.weight': torch.arange(16).view(4, 4) < 4,
        '0.bias': torch.arange(4) < 3,
        '2.in_proj_weight': torch.arange(48).view(12, 4) < 16,
    }
    attach_mask(model, mask)
    lines = repr(model).splitlines()
    assert lines[1].endswith('bias=True, density=0.25, bias_density=0.75)')
    assert 'density' not in lines[2]
    assert 'in_proj_weight_density=0.3333' in repr(model[2])
    detach_mask(model)
    assert 'density' not in repr(model)


def test_watched_gradients_are_those_of_the_model_without_a_mask():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2))
    mask = Mask({'0.weight': torch.rand(3, 4) < 0.5, '2.weight': torch.rand(2, 3) < 0.5})
    plain = copy.deepcopy(model)
    attach_mask(model, mask)
    plain.load_state_dict(model.state_dict())
    inputs = torch.randn(2, 5, 4)
    with watched_gradients(model) as gradients:
        for x in inputs:  # two passes are summed
            model(x).square().sum().backward()
            plain(x).square().sum().backward()
    assert set(gradients) == set(mask)
    for name, kept in mask.items():
        dense = plain.get_parameter(name).grad
        torch.testing.assert_close(gradients[name], dense)
        assert dense[~kept].any()
        assert not model.get_parameter(name).grad[~kept].any()
    model(inputs[0]).sum().backward()  # nobody watches any more
    torch.testing.assert_close(gradients['0.weight'], plain.get_parameter('0.weight').grad)
    with watched_gradients(model) as gradients:
        pass
    assert gradients == {}
