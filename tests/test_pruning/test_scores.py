"""Each score on a network small enough to compute it by hand."""

import itertools
from dataclasses import replace

import pytest
import torch
from torch import nn

from mmlth.pruning import Mask, ScoreInputs, prune
from mmlth.pruning.scores import (
    Grasp,
    Snip,
    Synflow,
    Taylor,
    grasp,
    magnitude,
    magnitude_increase,
    movement,
    movement_from_zero,
    random,
)


class Line:
    """½ (w·x − t)² for two pairs x and t; the gradient is (w·x − t) x and the Hessian x xᵀ."""

    def __init__(self):
        self.model = nn.Linear(2, 1, bias=False)

    def losses(self, batches):
        for x, t in [((1.0, 1.0), 1.0), ((3.0, 0.0), 1.0)][:batches]:
            yield (self.model(torch.tensor(x)) - t).square().sum() / 2


class Chain:
    """Two layers, with signs that SynFlow takes away."""

    def __init__(self):
        self.model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 1, bias=False))

    def response(self):
        assert not self.model.training
        return self.model(torch.ones(1, 2, dtype=torch.float64)).sum()


def inputs(weights, start=None, network=None, mask=None):
    weights = {name: torch.tensor(values) for name, values in weights.items()}
    start = start and {name: torch.tensor(values) for name, values in start.items()}
    mask = Mask({n: torch.tensor(k) for n, k in mask.items()}) if mask else Mask.dense(weights)
    return ScoreInputs(weights, mask, start, network)


TRAINED, START = {'w': [1.0, -2.0, 2.0]}, {'w': [3.0, -1.0, 2.0]}


@pytest.mark.parametrize(
    ('score', 'expected'),
    [
        (magnitude, [1, 2, 2]),
        (magnitude_increase, [-2, 1, 0]),
        (movement, [2, 1, 0]),
        (movement_from_zero, [-4, 1.5, 0]),
    ],
)
def test_scores_of_weights_alone(score, expected):
    assert score(inputs(TRAINED, START))['w'].tolist() == expected


AT = {'weight': [[1.0, 2.0]]}
FAR = {'weight': [[9.0, 9.0]]}


@pytest.mark.parametrize(
    ('score', 'expected'),
    [
        # Residuals 2 and 0: gradients (2, 2) and (0, 0).
        (Snip(), [[2.0, 4.0]]),
        (Taylor(at='start'), [[4.0, 16.0]]),
        # The sum of both, with t = 1 and x = (3, 0): the second residual is 2, its gradient (6, 0).
        (Snip(2), [[8.0, 4.0]]),
        (Taylor(2, at='start'), [[4.0 + 36.0, 16.0]]),
        # H (2, 2) is (4, 4); with both, (1, 1)·10 + (9, 0)·8.
        (Grasp(), [[4.0, 8.0]]),
        (Grasp(2), [[82.0, 20.0]]),
        (Grasp(2, product='difference'), [[82.0, 20.0]]),
    ],
)
def test_scores_by_gradients(score, expected):
    result = score(inputs(FAR, AT, Line()))['weight']
    torch.testing.assert_close(result, torch.tensor(expected), rtol=1e-3, atol=0)
    swapped = replace(score, at='trained')(inputs(AT, FAR, Line()))['weight']
    assert torch.equal(swapped, result)


def test_the_sensitivity_has_no_sign():
    # The residual is −3, the gradient (−3, −3).
    assert Snip()(inputs(FAR, {'weight': [[1.0, -3.0]]}, Line()))['weight'].tolist() == [[3, 9]]


def test_gradients_are_those_of_the_masked_network():
    mask = {'weight': [[True, False]]}
    # w is (1, 0), so the residual is 1 − 1 = 0 with the first pair and 2 with the second.
    assert Snip(2)(inputs(FAR, AT, Line(), mask))['weight'].tolist() == [[6.0, 0.0]]


def test_grasp_keeps_what_lowers_the_gradient_flow_most_when_removed():
    flow = {}
    for gone in (0, 1):
        weight = torch.tensor([[1.0, 2.0]])
        weight[0, gone] -= 1e-3 * weight[0, gone]
        line = Line()
        line.model.weight.data = weight
        (loss,) = line.losses(1)
        (gradient,) = torch.autograd.grad(loss, [line.model.weight])
        flow[gone] = float(gradient.square().sum())
    score = Grasp()(inputs(FAR, AT, Line()))['weight'][0]
    assert (flow[0] > flow[1]) == bool(score[0] < score[1])


def test_synflow_by_hand():
    weights = {'0.weight': [[1.0, -2.0], [0.5, 0.5]], '1.weight': [[3.0, -1.0]]}
    scores = Synflow()(inputs(weights, weights, Chain()))
    assert scores['0.weight'].tolist() == [[3.0, 6.0], [0.5, 0.5]]
    assert scores['1.weight'].tolist() == [[9.0, 1.0]]
    assert scores['1.weight'].dtype == torch.float64


def test_synflow_draws_in_steps_and_loses_no_layer():
    torch.manual_seed(0)
    widths = [2, 40, 40, 1]
    chain = Chain()
    layers = [nn.Linear(a, b, bias=False) for a, b in itertools.pairwise(widths)]
    chain.model = nn.Sequential(*layers)
    start = {name: p.detach().clone() for name, p in chain.model.named_parameters()}
    mask = prune(start, sparsity=0.99, score=Synflow(), start=start, network=chain)
    assert mask.kept == mask.total - round(mask.total * 0.99)
    assert all(kept.any() for kept in mask.values())


def test_iterations_draw_the_mask_in_geometric_steps():
    seen = []

    class Counting:
        iterations = 3

        def __call__(self, inputs):
            seen.append(inputs.mask.kept)
            return magnitude(inputs)

    weights = {'w': torch.arange(1000.0)}
    assert prune(weights, keep=8, score=Counting()) == prune(weights, keep=8)
    assert seen == [1000, 200, 40]


def test_random_is_seeded_and_leaves_the_generator_of_others_alone():
    weights = {'a': torch.zeros(4), 'b': torch.zeros(2, 3)}

    def drawn(of_search=0, **options):
        return torch.cat(
            [
                s.view(-1)
                for s in random(
                    ScoreInputs(weights, Mask.dense(weights), seed=of_search), **options
                ).values()
            ]
        )

    before = torch.get_rng_state()
    assert torch.equal(drawn(), drawn())
    assert torch.equal(drawn(1, seed=2), drawn(3))
    assert not torch.equal(drawn(), drawn(1))
    assert torch.equal(torch.get_rng_state(), before)


class Busy:
    """Everything that evaluating a network could disturb."""

    def __init__(self):
        torch.manual_seed(0)
        self.model = nn.Sequential(
            nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(0.5), nn.Flatten(), nn.Linear(8, 1)
        )
        self.model[0].weight.requires_grad_(False)
        self.model[1].eval()

    def losses(self, batches):
        assert self.model[1].training
        for index in range(batches):
            images = torch.full((2, 1, 4, 4), float(index)) + torch.randn(2, 1, 4, 4)
            yield self.model(images).square().sum()

    def response(self):
        return self.model(torch.ones(1, 1, 4, 4, dtype=torch.float64)).sum()


@pytest.mark.parametrize(
    'score', [Snip(2), Taylor(2, at='start'), Grasp(), Grasp(product='difference'), Synflow()]
)
def test_nothing_about_the_network_changes(score):
    busy = Busy()
    state = {name: tensor.clone() for name, tensor in busy.model.state_dict().items()}
    flags = [module.training for module in busy.model.modules()]
    busy.model[4].bias.grad = torch.ones(1)
    generator = torch.get_rng_state()
    names = ['0.weight', '4.weight']
    start = {name: state[name] + 1 for name in names}
    mask = Mask.dense(start)
    first = score(ScoreInputs(start, mask, start, busy))
    assert all(float(first[name].abs().sum()) > 0 for name in names)
    assert torch.equal(torch.get_rng_state(), generator)
    again = score(ScoreInputs(start, mask, start, busy))
    assert all(torch.equal(first[name], again[name]) for name in names)  # dropout is seeded
    after = busy.model.state_dict()
    assert all(torch.equal(after[k], state[k]) and after[k].dtype == state[k].dtype for k in state)
    assert [module.training for module in busy.model.modules()] == flags
    assert [p.requires_grad for p in busy.model.parameters()] == [False] + [True] * 5
    assert [p.grad is None for p in busy.model.parameters()] == [True] * 5 + [False]


class Twice(torch.autograd.Function):
    """A layer as those of mmcv that work on regions."""

    @staticmethod
    def forward(ctx, x):
        return x * x.detach()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):
        return gradient


class Compiled(torch.autograd.Function):
    """x² as by an extension that is not marked so, such as mmcv's CARAFE."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return torch.from_numpy((2 * gradient * x).detach().numpy())


class Within(torch.autograd.Function):
    """σ(x)², which keeps what is neither an input nor an output, as TOOD's geometric mean does."""

    @staticmethod
    def forward(ctx, x):
        inner = x.sigmoid()
        ctx.save_for_backward(inner)
        return inner**2

    @staticmethod
    def backward(ctx, gradient):
        (inner,) = ctx.saved_tensors
        return gradient * 2 * inner**2 * (1 - inner)


class Square(Compiled):
    """x², of which torch can follow the gradient."""

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient * 2 * x


class Through(torch.autograd.Function):
    """Rounds, and passes the gradient on as it is."""

    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, gradient):
        return gradient


class Custom(Line):
    def __init__(self, function, loss=torch.square):
        super().__init__()
        self.function, self.loss = function, loss

    def losses(self, batches):
        yield self.loss(self.function(self.model(torch.ones(2)))).sum()


class Once(Compiled):
    """Which torch tells as long as the gradient that comes from above is no constant."""

    backward = staticmethod(torch.autograd.function.once_differentiable(Compiled.backward))


@pytest.mark.parametrize('loss', [torch.square, torch.positive])
@pytest.mark.parametrize('function', [Compiled, Within, Once])
def test_grasp_refuses_functions_without_a_second_derivative(function, loss):
    """Torch itself would pass over them in silence, and rank by something else."""
    network = Custom(function.apply, loss)
    with pytest.raises(ValueError, match=f'the gradient of {function.__name__}\\)') as caught:
        Grasp()(inputs(FAR, AT, network))
    assert '\n' not in str(caught.value)
    # A function that is on no way to the weights is none of its business.
    beside = nn.Parameter(torch.ones(3))
    network.losses = lambda batches: [
        network.model(torch.ones(2)).square().sum() + function.apply(beside).sum()
    ]
    assert Grasp()(inputs(FAR, AT, network))['weight'].tolist() == [[24.0, 48.0]]


def test_grasp_takes_functions_that_torch_can_follow():
    own, plain = (Grasp()(inputs(FAR, AT, Custom(f))) for f in (Square.apply, torch.square))
    assert torch.equal(own['weight'], plain['weight'])
    assert own['weight'].any()
    # One whose gradient is a constant has none to follow.
    network = Custom(Through.apply, lambda x: x + network.model(torch.ones(2)).square())
    assert Grasp()(inputs(FAR, AT, network))['weight'].any()


def test_running_out_of_memory_is_no_fault_of_a_layer(monkeypatch):
    def full(*given):
        raise torch.cuda.OutOfMemoryError('out of memory')

    monkeypatch.setattr(grasp, '_flow', full)
    with pytest.raises(torch.cuda.OutOfMemoryError):
        Grasp()(inputs(FAR, AT, Line()))


@pytest.mark.parametrize('activation', [nn.ReLU, nn.Softplus])
def test_grasp_is_exact_by_default(activation):
    """It is what torch's own product of Hessian and vector says; a difference crosses kinks."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 64), activation(), nn.Linear(64, 64), activation())
    model.append(nn.Linear(64, 4))
    x, y = torch.randn(64, 8), torch.randint(4, (64,))
    names = [f'{index}.weight' for index in (0, 2, 4)]
    start = {name: model.get_parameter(name).detach().clone() for name in names}

    def loss(*weights):
        out = torch.func.functional_call(model, dict(zip(names, weights)), (x,))
        return nn.functional.cross_entropy(out, y)

    class Network:
        def __init__(self):
            self.model = model

        def losses(self, batches):
            yield nn.functional.cross_entropy(model(x), y)

    given = tuple(start.values())
    gradient = torch.autograd.functional.jacobian(loss, given)
    products = torch.autograd.functional.hvp(loss, given, gradient)[1]
    scores = Grasp()(ScoreInputs(start, Mask.dense(start), start, Network()))
    for name, product in zip(names, products):
        torch.testing.assert_close(scores[name], product * start[name])

    masks = [
        prune(start, sparsity=0.8, score=Grasp(product=product), start=start, network=Network())
        for product in ('exact', 'difference')
    ]
    kept = [torch.cat([mask[name].flatten() for name in names]) for mask in masks]
    alike = int((kept[0] & kept[1]).sum()) / int((kept[0] | kept[1]).sum())
    assert alike < 0.8 if activation is nn.ReLU else alike > 0.95


class Region(Line):
    def losses(self, batches):
        yield Twice.apply(self.model(torch.ones(2))).square().sum()


@pytest.mark.parametrize(
    ('score', 'given', 'message'),
    [
        (movement, {}, 'give start'),
        (Snip(at='trained'), {}, 'give network'),
        (Snip(), {'network': Line()}, 'give start'),
        (Snip(), {'network': Line(), 'start': {}}, "start lacks 'weight'"),
        (Taylor(), {'network': Chain()}, "no parameter 'weight'"),
        (Grasp(at='trained'), {'network': Region()}, "product='difference'"),
        (lambda inputs: {}, {}, "the score lacks 'weight'"),
        (lambda inputs: {'weight': torch.ones(3)}, {}, 'has shape'),
    ],
)
def test_what_is_missing_is_said(score, given, message):
    with pytest.raises(ValueError, match=message) as caught:
        prune({'weight': torch.ones(1, 2)}, keep=1, score=score, **given)
    assert '\n' not in str(caught.value)


def test_a_diverged_loss_is_an_error():
    weights = {'weight': torch.tensor([[float('inf'), 1.0]])}
    with pytest.raises(ValueError, match='the training loss is inf'):
        prune(weights, keep=1, score=Taylor(), network=Line())
