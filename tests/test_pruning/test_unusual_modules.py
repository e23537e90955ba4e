"""Law 3 where modules are copied, changed or made in ways of their own."""

import copy
import io
import pickle
import threading

import pytest
import torch
from law3 import assert_law_3, assert_zero, prune_half, square, train_under_mask
from mmengine.model.weight_init import KaimingInit
from torch import nn
from torch.nn.utils import parametrizations

from mmlth.pruning import (
    TargetError,
    attach_mask,
    attached_mask,
    computed_weights,
    detach_mask,
    find_targets,
    masked_class,
    revived,
    zero_pruned,
)


def masked_linear(cls=nn.Linear):
    torch.manual_seed(0)
    model = cls(4, 4)
    return model, prune_half(model)


def assert_trains_masked(model, mask):
    model.zero_grad()
    square(model(torch.ones(3, 4))).backward()
    weights = {name: model.get_parameter(name) for name in mask}
    assert_zero(weights, mask)
    assert_zero({name: weight.grad for name, weight in weights.items()}, mask)
    assert all(weight.grad.any() for weight in weights.values())


# ------------------------------------------------------------------------------- copies


class WithState(nn.Linear):
    """Leaves out what cannot be pickled, and makes it anew."""

    def __init__(self, *args):
        super().__init__(*args)
        self.lock = threading.Lock()

    def __getstate__(self):
        return {name: value for name, value in self.__dict__.items() if name != 'lock'}

    def __setstate__(self, state):
        super().__setstate__(state)
        self.lock = threading.Lock()


def rebuild(cls, sizes, state):
    model = cls(*sizes)
    model.load_state_dict(state)
    return model


class WithReduce(nn.Linear):
    """Is made by its constructor."""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.sizes = sizes
        self.lock = threading.Lock()

    def __reduce__(self):
        return rebuild, (type(self), self.sizes, dict(self.state_dict()))


class WithDeepcopy(nn.Linear):
    """Copies its attributes one by one."""

    def __deepcopy__(self, memo):
        twin = type(self).__new__(type(self))
        memo[id(self)] = twin
        twin.__dict__ = copy.deepcopy(self.__dict__, memo)
        return twin


class DenseDeepcopy(nn.Linear):
    """Copies itself into a new one of a class that it names."""

    def __deepcopy__(self, memo):
        twin = DenseDeepcopy(self.in_features, self.out_features)
        twin.load_state_dict(self.state_dict())
        return twin


class WithSlots(nn.Linear):
    __slots__ = ('tag',)


class WithAttributes(nn.Linear):
    """Allows only the attributes that it knows, and looks others up elsewhere."""

    extras = {'answer': 42}  # noqa: RUF012

    def __setattr__(self, name, value):
        if name == '__class__':
            raise AttributeError('stays what it is')
        super().__setattr__(name, value)

    def __getattr__(self, name):
        return self.extras[name] if name in self.extras else super().__getattr__(name)


class WithMeta(type):
    """A metaclass, as ABCMeta is of every BaseModule."""


class OfMeta(nn.Linear, metaclass=WithMeta):
    pass


CLASSES = [
    nn.Linear,
    WithState,
    WithReduce,
    WithDeepcopy,
    DenseDeepcopy,
    WithSlots,
    WithAttributes,
    OfMeta,
    masked_class(nn.Linear),
]


def saved_and_loaded(model):
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


def pickled(model):
    return pickle.loads(pickle.dumps(model))  # noqa: S301


@pytest.mark.parametrize('cls', CLASSES)
@pytest.mark.parametrize('copied', [copy.deepcopy, copy.copy, pickled, saved_and_loaded])
def test_copies(cls, copied):
    model, mask = masked_linear(cls)
    twin = copied(nn.Sequential(model) if copied is not copy.copy else model)
    twin = twin if copied is copy.copy else twin[0]
    assert isinstance(twin, cls)
    assert attached_mask(twin) == mask
    assert torch.equal(twin.weight, model.weight)
    assert_trains_masked(twin, mask)
    detach_mask(model)
    assert type(model) is (nn.Linear if cls is masked_class(nn.Linear) else cls)
    if copied is not copy.copy:
        assert_trains_masked(twin, mask)


def test_a_pickle_names_no_class_made_at_run_time():
    model, _ = masked_linear(WithState)
    assert b'WithState' in pickle.dumps(model)
    assert type(pickled(model)) is masked_class(WithState)


def test_a_class_that_refuses_subclasses_is_an_error():
    class Final(nn.Linear):
        def __init_subclass__(cls, *, tag):
            raise AssertionError(tag)

    with pytest.raises(ValueError, match=r'a Final cannot be masked.*tag'):
        masked_linear(Final)


# ------------------------------------------------------------------------------- names


class Padded(nn.Conv2d):
    """A convolution of one's own."""


def test_others_take_masked_layers_for_what_they_are():
    model = nn.Sequential(Padded(3, 4, 3), nn.Linear(4, 4))
    printed = repr(model)
    prune_half(model)
    assert repr(model).replace(', density=0.5', '') == printed
    # MMEngine's initialisation goes by the names of a class and of its bases.
    for layer in ('Conv2d', 'Padded'):
        nn.init.zeros_(model[0].weight)
        KaimingInit(layer=layer)(model)
        assert model[0].weight.any()
    # torch.fx does not look into the layers of torch.
    graph = torch.fx.symbolic_trace(nn.Sequential(model[1])).graph
    assert 'call_module' in [node.op for node in graph.nodes]


# ------------------------------------------------------------------------------- new parameters


def test_a_replaced_parameter_is_masked():
    model, mask = masked_linear()
    model.weight = nn.Parameter(torch.ones(4, 4))
    model.register_parameter('bias', nn.Parameter(torch.ones(4)))
    assert_zero({'weight': model.weight}, mask)
    x = torch.randn(3, 4)
    train_under_mask(model, mask, nn.Linear(4, 4), lambda module: module(x))


def test_a_parameter_put_there_unseen_is_masked_by_the_next_check():
    model, mask = masked_linear()
    model._parameters['weight'] = nn.Parameter(torch.ones(4, 4))
    assert revived(model) == ['weight']
    zero_pruned(model)
    assert_trains_masked(model, mask)
    # One that is zero where it should be has no gradient hook either.
    model._parameters['weight'] = nn.Parameter(mask['weight'].float())
    assert revived(model) == []
    assert_trains_masked(model, mask)


def test_a_parameter_of_another_shape_is_an_error():
    model, _ = masked_linear()
    with pytest.raises(ValueError, match=r"mask of 'weight' has shape \(4, 4\).*\(5, 4\)"):
        model.weight = nn.Parameter(torch.ones(5, 4))


def test_a_checkpoint_assigned_is_masked():
    model, mask = masked_linear()
    model.load_state_dict({'weight': torch.ones(4, 4), 'bias': torch.ones(4)}, assign=True)
    assert_trains_masked(model, mask)


def test_a_detour_through_the_meta_device_keeps_the_mask():
    model, mask = masked_linear()
    model.to('meta')
    model.to_empty(device='cpu')
    model.load_state_dict({'weight': torch.ones(4, 4), 'bias': torch.ones(4)})
    assert attached_mask(model) == mask
    assert_trains_masked(model, mask)


NORMS = {
    'weight_norm': parametrizations.weight_norm,
    'spectral_norm': parametrizations.spectral_norm,
    'orthogonal': parametrizations.orthogonal,
    'weight_norm, older': nn.utils.weight_norm,
    'spectral_norm, older': nn.utils.spectral_norm,
}


@pytest.mark.parametrize('norm', NORMS)
def test_parametrized_weights_stay_dense_and_are_named(norm):
    model = nn.Sequential(nn.Linear(4, 4), NORMS[norm](nn.Linear(4, 4)))
    assert [target.name for target in find_targets(model)] == ['0.weight']
    computed = [target.name for target in computed_weights(model)]
    assert computed
    assert all(name.startswith('1.') for name in computed)
    with pytest.raises(TargetError, match=r"'1'.*cannot be pruned.*parametrize"):
        find_targets(model, include=['1'])
    assert len(find_targets(model, include=['0', 'Linear'])) == 1


@pytest.mark.parametrize('norm', NORMS)
def test_a_parametrization_of_a_masked_weight_is_an_error(norm):
    model, _ = masked_linear()
    NORMS[norm](model)
    for act in (revived, zero_pruned, lambda model: model.double()):
        with pytest.raises(ValueError, match=r"'weight' of a \w*Linear .* no parameter any more"):
            act(model)


@pytest.mark.parametrize('make', [lambda: nn.LazyConv2d(4, 3), lambda: nn.LazyLinear(4)])
def test_lazy_layers_are_an_error(make):
    with pytest.raises(TargetError, match=r'0\.weight of a Lazy\w+ has no weights before'):
        find_targets(nn.Sequential(make()))
    with pytest.raises(ValueError, match=r"'0\.weight' of a Lazy\w+ has no weights to mask yet"):
        attach_mask(nn.Sequential(make()), {'0.weight': torch.ones(4, 4).bool()})


def test_lazy_layers_are_masked_once_they_have_weights():
    def make():
        model = nn.LazyLinear(4)
        model(torch.ones(1, 4))
        return model

    assert_law_3(make, lambda module: module(torch.ones(3, 4)), names=['weight'])


class Growing(nn.Module):
    """Makes a layer in its first forward pass."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 4)

    def forward(self, x):
        if not hasattr(self, 'second'):
            self.second = nn.Linear(4, 4)
        return self.second(self.first(x))


def test_layers_made_later_are_dense():
    model = Growing()
    mask = prune_half(model)
    assert_trains_masked(model, mask)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    for _ in range(3):
        assert_trains_masked(model, mask)
        optimizer.step()
    assert list(attached_mask(model)) == ['first.weight']
    assert (model.second.weight != 0).all()
    assert_trains_masked(copy.deepcopy(model), mask)


# ------------------------------------------------------------------------------- torch.func and jit


def test_a_functional_call_computes_with_what_it_is_given():
    model, mask = masked_linear()
    given = {name: torch.ones_like(p, requires_grad=True) for name, p in model.named_parameters()}
    output = torch.func.functional_call(model, given, torch.ones(1, 4))
    assert output.tolist() == [[5.0] * 4]
    output.sum().backward()
    assert given['weight'].grad.all()  # it is no parameter of the model
    assert_trains_masked(model, mask)
    own = torch.func.functional_call(model, dict(model.named_parameters()), torch.ones(1, 4))
    model.zero_grad()
    own.sum().backward()
    assert_zero({'weight': model.weight.grad}, mask)


def test_replicas_give_masked_gradients():
    # What DataParallel does for each device: it needs GPUs, this does not.
    model, mask = masked_linear()
    replica = model._replicate_for_data_parallel()
    for name, parameter in model.named_parameters():
        setattr(replica, name, parameter.view_as(parameter))
    replica(torch.ones(1, 4)).sum().backward()
    assert_zero({'weight': model.weight.grad}, mask)


def test_a_masked_model_can_be_scripted_and_traced():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4, 4))
    prune_half(model)
    x = torch.randn(2, 3, 3, 3)
    for made in (torch.jit.script(model), torch.jit.trace(model, x)):
        assert torch.equal(made(x), model(x))


def test_a_scripted_model_is_an_error():
    mask = {'0.weight': torch.ones(4, 4).bool()}
    for model in (
        torch.jit.script(nn.Sequential(nn.Linear(4, 4))),
        nn.Sequential(torch.jit.script(nn.Linear(4, 4))),
    ):
        with pytest.raises(ValueError, match='TorchScript module cannot be masked'):
            attach_mask(model, mask)
    # Beside one, layers are masked as ever.
    model = nn.Sequential(nn.Linear(4, 4), torch.jit.script(nn.Linear(4, 4)))
    assert_trains_masked(model, prune_half(model))
