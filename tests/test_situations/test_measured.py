"""What a model does is measured, where its config or its names tell nothing."""

import numpy as np
import pytest
import torch
from kit import record
from mmengine.hooks import Hook
from mmengine.registry import HOOKS, MODELS
from mmengine.runner import Runner
from torch import nn
from toy import ToyModel, toy_config

import mmlth
from mmlth.engine import LotteryError, build_model, targets_table
from mmlth.engine.registry import SCORES
from mmlth.engine.training.redraw_check import check_redrawn
from mmlth.pruning import TargetError, attach_mask, find_targets
from mmlth.pruning.starved_layers import starved
from mmlth.report.masks.layers_section import layers_section
from mmlth.report.searches import read_searches


def logged(work_dir):
    return ' '.join(path.read_text() for path in work_dir.rglob('*.log'))


@MODELS.register_module(force=True)
class LoadsItself(ToyModel):
    """Weights are loaded in the constructor, as timm and many projects do."""

    def __init__(self, checkpoint=None, seed=3):
        super().__init__()
        if checkpoint:
            self.conv.load_state_dict(torch.load(checkpoint))


@pytest.fixture
def checkpoint(tmp_path):
    torch.save(nn.Conv2d(3, 8, 3, padding=1).state_dict(), tmp_path / 'conv.pth')
    return str(tmp_path / 'conv.pth')


def test_reinit_is_refused_where_a_constructor_loads_weights(tmp_path, checkpoint):
    """faults/25-init: the control would start from the pre-trained weights."""
    work_dir = tmp_path / 'work'
    model = {'type': 'LoadsItself', 'checkpoint': checkpoint}
    config = toy_config(work_dir, model=model, **{'lottery.rewind_what': 'reinit'})
    with pytest.raises(LotteryError, match=r'71\.1% .* same whatever the seed \(conv\.weight\)'):
        Runner.from_cfg(config).train()
    assert not (work_dir / 'search.json').exists()
    # Without it the search runs, and so does a control that keeps weights, but not that one.
    config.lottery.rewind_what = 'weights'
    mmlth.search(config)
    mmlth.branch(work_dir, 'permuted', tickets=[1])
    with pytest.raises(LotteryError, match="the control 'reinit' starts from new random weights"):
        mmlth.branch(work_dir, 'reinit', tickets=[1])


@MODELS.register_module(force=True)
class LoadsWhenInitialised(ToyModel):
    def init_weights(self):
        super().init_weights()
        self.conv.weight.data.copy_(torch.linspace(-1, 1, 216).view(8, 3, 3, 3))


@MODELS.register_module(force=True)
class LoadsFrozen(LoadsWhenInitialised):
    """A fixed part, which no training starts from."""

    def __init__(self):
        super().__init__()
        self.conv.weight.requires_grad_(False)


@MODELS.register_module(force=True)
class Meant(ToyModel):
    """Zeros, an identity, and what NumPy draws: nothing of it is loaded."""

    def __init__(self):
        super().__init__()
        nn.init.zeros_(self.depthwise.weight)
        self.mix = nn.Conv2d(8, 8, 1)
        nn.init.dirac_(self.mix.weight)
        self.conv.weight.data.copy_(torch.from_numpy(np.random.randn(8, 3, 3, 3)))


@MODELS.register_module(force=True)
class NothingToInitialise(nn.Module):
    """A Runner takes modules without init_weights, too."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)


def redrawn(kind, **targets):
    config = toy_config('unused', model={'type': kind})
    check_redrawn(config, find_targets(build_model(config), **targets), 'this')


def test_what_is_loaded_is_found_wherever_it_is_loaded():
    wanted = r'71\.1% .* \(conv\.weight\): the constructor or init_weights of LoadsWhenInit'
    with pytest.raises(LotteryError, match=wanted):
        redrawn('LoadsWhenInitialised')
    # A backbone that is loaded and not pruned is no new one either.
    with pytest.raises(LotteryError, match=wanted):
        redrawn('LoadsWhenInitialised', exclude=['conv'])
    redrawn('LoadsFrozen')
    with pytest.raises(LotteryError, match='LoadsFrozen'):
        redrawn('LoadsFrozen', frozen=True)


@pytest.mark.parametrize('kind', ['ToyModel', 'Meant', 'NothingToInitialise'])
def test_what_is_the_same_on_purpose_is_not_called_loaded(kind):
    config = toy_config('unused', model={'type': kind})
    targets = find_targets(build_model(config))
    before = torch.get_rng_state(), np.random.get_state()[1].tolist()
    check_redrawn(config, targets, 'this')
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]


@HOOKS.register_module(force=True)
class Freeze(Hook):
    """Freezes a layer when the training starts, when the targets are chosen already."""

    def before_train(self, runner):
        getattr(runner.model, 'module', runner.model).depthwise.requires_grad_(False)


@pytest.mark.parametrize('frozen', [False, True])
def test_weights_that_a_hook_freezes_are_named(tmp_path, frozen):
    config = toy_config(tmp_path, custom_hooks=[{'type': 'Freeze'}])
    config.lottery.targets = {'frozen': frozen}
    mmlth.search(config)
    rounds = record(tmp_path)['rounds']
    assert rounds[0]['unmoved'] == ['depthwise.weight']
    assert 'unmoved' not in rounds[1]
    said = '1 prunable tensors, 23.7% of the prunable weights' in logged(tmp_path)
    assert said != frozen
    text = str(layers_section(read_searches([tmp_path])).parts)
    said = 'Round 0 left 1 prunable tensors as they were, as if frozen, which are 23.68% of the '
    assert f'{said}prunable weights: depthwise; they are pruned all the same.' in text


def test_what_trains_is_not_called_frozen(tmp_path):
    mmlth.search(toy_config(tmp_path, **{'lottery.rounds': 1}))
    rounds = record(tmp_path)['rounds']
    assert 'unmoved' not in rounds[0]
    assert 'as if frozen' not in str(layers_section(read_searches([tmp_path])).parts)


class MyDense(nn.Module):
    """A layer of one's own: a weight and F.linear, not derived from nn.Linear."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs))

    def forward(self, x):
        return nn.functional.linear(x, self.weight)


class Loss(nn.Module):
    """A loss that learns, as RLE's."""

    def __init__(self):
        super().__init__()
        self.flow = nn.Linear(6, 6)
        self.own = MyDense(6, 6)


@MODELS.register_module(force=True)
class OwnLayers(ToyModel):
    def __init__(self):
        super().__init__()
        self.own = MyDense(8, 8)
        self.table = nn.Embedding(5, 4)
        self.normed = nn.utils.weight_norm(MyDense(3, 3))
        self.loss_module = Loss()


def test_what_is_left_out_is_listed_with_its_reason_and_share(tmp_path):
    config = toy_config(tmp_path, model={'type': 'OwnLayers'})
    text = targets_table(config, targets={'exclude': ['depthwise']})
    rows = [[cell.strip() for cell in line.split('│')] for line in text.splitlines()]
    listed = {row[1]: row[2:6] for row in rows if len(row) > 6}
    assert listed['in targets.exclude'][:3] == ['Conv2d', '1', '72']
    assert listed['no known layer type'][:3] == ['MyDense, Embedding', '2', '84']
    assert listed['the layer computes its weight from it'][:3] == ['MyDense', '2', '12']
    assert listed['of the training loss'][:3] == ['Linear, MyDense', '2', '72']


def test_an_own_layer_is_pruned_where_its_class_is_named():
    model = OwnLayers()
    assert 'own.weight' not in [t.name for t in find_targets(model)]
    with pytest.raises(TargetError, match=r"own\.weight of a MyDense.*include=\['Conv2d'"):
        find_targets(model, include=['own'])
    (target,) = find_targets(model, include=['MyDense'])
    assert target.name == 'own.weight'
    both = find_targets(model, include=['Conv2d', 'MyDense'])
    assert [t.name for t in both] == ['conv.weight', 'depthwise.weight', 'own.weight']
    for pattern, most in (('*', 3), ('Linear', 1)):  # no embedding, nothing of the loss
        names = [t.name for t in find_targets(model, include=[pattern])]
        assert names == ['conv.weight', 'depthwise.weight', 'fc.weight'][-most:]
    with pytest.raises(TargetError, match=r"name the class, as in include=.*'MyDense'"):
        find_targets(model, include=['*Dense*'])
    kept = torch.rand(8, 8) < 0.5
    attach_mask(model, {'own.weight': kept})
    model.own(torch.ones(1, 8)).sum().backward()
    assert not model.own.weight[~kept].any()
    assert not model.own.weight.grad[~kept].any()


@pytest.mark.parametrize(
    ('targets', 'why'),
    [
        ({'exclude': ['table']}, r'stay dense in any case \(table.* no known layer type; leave it'),
        ({'include': ['loss_module']}, r'\(loss_module.* of the training loss; leave it out'),
        ({'include': ['normed']}, r'\(normed\.weight_.* computes its weight from it; leave it out'),
    ],
)
def test_a_pattern_for_what_stays_dense_is_told_why(targets, why):
    with pytest.raises(TargetError, match=why):
        find_targets(OwnLayers(), **targets)


@pytest.mark.parametrize(('floor', 'density'), [(0.001, '1.39%'), (0.05, '5.56%')])
def test_layers_that_a_score_nearly_empties_are_named(tmp_path, floor, density):
    @SCORES.register_module(name='unfair', force=True)
    def unfair(inputs):
        low = {'depthwise.weight': 1e-6}
        return {n: w.abs() * low.get(n, 1.0) for n, w in inputs.weights.items()}

    config = toy_config(tmp_path, **{'lottery.target_sparsity': 0.4, 'lottery.rounds': 1})
    config.lottery.update(score='unfair', floor=floor)
    mmlth.search(config)
    line = 'keeps 59.9% of the prunable weights, but next to nothing of 1 layers, which are 23.7%'
    assert line in logged(tmp_path)
    said = (
        'Next to nothing is left of 1 layers, which are 23.68% of the prunable weights: depthwise '
    )
    assert f'{said}({density})' in str(layers_section(read_searches([tmp_path])).parts)


@pytest.mark.parametrize(
    ('kept', 'floor', 'poor'),
    [
        ({'a': (1, 1000), 'b': (500, 1000)}, 0.001, ['a']),
        ({'a': (50, 1000), 'b': (950, 1000)}, 0.001, []),  # 5 %
        ({'a': (50, 1000), 'b': (950, 1000)}, 0.05, ['a']),  # at the floor
        ({'a': (1, 16), 'b': (500, 1000)}, 0.0, ['a']),  # a single weight
        ({'a': (1, 16), 'b': (50, 1000)}, 0.0, []),  # which is as dense as the others
        ({'a': (2, 1001), 'b': (18, 1000)}, 0.001, ['a']),  # of 1 %, the floor being a tenth
        ({'a': (1, 1000), 'b': (1, 1000)}, 0.001, []),  # all are at the floor
        ({'a': (0, 1000), 'b': (0, 1000)}, 0.001, []),
    ],
)
def test_a_starved_layer_is_far_below_the_network(kept, floor, poor):
    assert list(starved(kept, floor)) == poor


def test_ordinary_magnitudes_raise_no_alarm(tmp_path):
    mmlth.search(toy_config(tmp_path))
    assert 'next to nothing' not in logged(tmp_path)
