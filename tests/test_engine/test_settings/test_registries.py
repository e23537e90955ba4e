"""Names, scopes, classes and functions of all registries, as MMEngine's registries take them."""

import functools
import json
import sys
import types

import pytest
import torch
from kit import search_by
from mmdet.registry import MODELS as MMDET_MODELS
from mmengine.registry import DefaultScope, Registry
from mmengine.runner import Runner
from toy import toy_config

import mmlth
from mmlth import LotteryError
from mmlth.engine import parse_settings
from mmlth.engine.settings import build_allocation, build_control, build_pattern, build_score
from mmlth.engine.settings.choices import build_schedule
from mmlth.pruning import PruningError, by_list, geometric, needs_of
from mmlth.pruning.allocation import Budgets, erk, global_allocation
from mmlth.pruning.controls import Reinit, noise
from mmlth.pruning.patterns import FourByOne, NOfM, kernel, unstructured
from mmlth.pruning.scores import Snip, magnitude, movement
from mmlth.registry import ALLOCATIONS, CONTROLS, PATTERNS, SCHEDULES, SCORES

REGISTRIES = {
    'score': (SCORES, build_score),
    'allocation': (ALLOCATIONS, build_allocation),
    'pattern': (PATTERNS, build_pattern),
    'schedule': (SCHEDULES, build_schedule),
    'branch': (CONTROLS, build_control),
}


def lottery_of(key, spec):
    return {'branch': {'control': spec}} if key == 'branch' else {key: spec}


def chosen(key, spec, default_scope=None):
    """The name that the settings hold, and what it builds."""
    settings = parse_settings(lottery_of(key, spec), default_scope)
    name = settings.branch.control if key == 'branch' else getattr(settings, key)
    return name, REGISTRIES[key][1](name)


@pytest.mark.parametrize(
    ('key', 'name', 'member', 'options'),
    [
        ('score', 'snip', Snip, {'batches': 3}),
        ('score', 'magnitude', magnitude, {}),
        ('allocation', 'erk', erk, {}),
        ('allocation', 'budgets', Budgets, {'modules': {'a': 0.5}}),
        ('pattern', 'kernel', kernel, {}),
        ('pattern', '4x1', FourByOne, {}),
        ('pattern', 'n_of_m', NOfM, {'n': 2, 'm': 4}),
        ('schedule', 'geometric', geometric, {'rounds': 3}),
        ('branch', 'noise', noise, {'share': 0.2}),
        ('branch', 'reinit', Reinit, {}),
    ],
)
def test_a_member_by_name_scope_class_function_and_module(key, name, member, options):
    dotted = f'{member.__module__}.{member.__qualname__}'
    held = {
        json.dumps(chosen(key, {'type': kind, **options})[0])
        for kind in (name, f'mmlth.{name}', member, dotted)
    }
    assert held == {json.dumps({'type': name, **options})}  # what search.json holds
    if not options:
        assert {chosen(key, kind)[0] for kind in (name, f'mmlth.{name}', member, dotted)} == {name}


@pytest.fixture
def downstream(monkeypatch):
    """Registries of a package mypkg, children of ours, each with a member 'mine'."""
    module = types.ModuleType('mypkg')
    module.registry = types.ModuleType('mypkg.registry')
    monkeypatch.setitem(sys.modules, 'mypkg', module)
    monkeypatch.setitem(sys.modules, 'mypkg.registry', module.registry)
    members = {
        'score': lambda inputs, power=1: {n: w.abs() ** power for n, w in inputs.weights.items()},
        'allocation': lambda mask, scores, keep, power=1: erk(mask, scores, keep),
        'pattern': lambda mask, scores, keep, allocation, floor, power=1: allocation(
            mask, scores, keep
        ),
        'schedule': lambda total, kept, power=1: [total, total - power, kept],
        'branch': lambda mask, generator, power=1: mask,
    }
    for key, member in members.items():
        registry = Registry(key, parent=REGISTRIES[key][0], scope='mypkg')
        registry.register_module(name='mine', module=member)
    yield members
    for registry, _ in REGISTRIES.values():
        registry.children.pop('mypkg')


@pytest.mark.parametrize('key', REGISTRIES)
def test_a_downstream_registry(downstream, key):
    member = downstream[key]
    for spec, scope in (('mypkg.mine', None), ('mypkg.mine', 'mmdet'), ('mine', 'mypkg')):
        name, built = chosen(key, spec, scope)
        assert name == 'mypkg.mine'
        assert (built.mask if key == 'branch' else built) is member
    name, built = chosen(key, {'type': 'mine', 'power': 2}, 'mypkg')
    assert name == {'type': 'mypkg.mine', 'power': 2}
    with pytest.raises(LotteryError, match=r"must be one of .*mypkg\.mine.*, got 'mine'"):
        chosen(key, 'mine', 'mmdet')
    with pytest.raises(LotteryError, match=r"'mypkg\.mine' has no option 'root'; it has power"):
        chosen(key, {'type': 'mypkg.mine', 'root': 2})


def test_the_default_scope_of_a_config_counts(tmp_path, downstream):
    config = toy_config(tmp_path, **{'lottery.score': 'mine', 'default_scope': 'mypkg'})
    for part in ('model', 'train_dataloader.dataset', 'val_dataloader.dataset', 'val_evaluator'):
        of = functools.reduce(getattr, part.split('.'), config)
        of.type = f'mmengine.{of.type}'
    before = DefaultScope.get_current_instance()
    Runner.from_cfg(config)
    lottery = parse_settings(config.lottery, 'mypkg')
    assert lottery.score == 'mypkg.mine'
    assert before is None or before.scope_name != 'mypkg'


SHADOWED = {
    'score': 'magnitude',
    'allocation': 'global',
    'pattern': 'unstructured',
    'schedule': 'by_rate',
    'branch': 'reinit',
}


@pytest.mark.parametrize('key', SHADOWED)
def test_a_name_is_looked_up_in_the_scope_that_it_is_given_in(downstream, key):
    """Also where a downstream registry has a member of the same name as one of ours."""
    registry, _ = REGISTRIES[key]
    theirs, ours = downstream[key], registry.module_dict[SHADOWED[key]]
    registry.children['mypkg'].register_module(name=SHADOWED[key], module=theirs)

    def built(spec):
        settled, member = chosen(key, spec, 'mypkg')
        with DefaultScope.overwrite_default_scope('mypkg'):
            again = REGISTRIES[key][1](settled)  # as the search does, which has that scope
        return [settled, *((each.mask if key == 'branch' else each) for each in (member, again))]

    assert built(SHADOWED[key]) == [f'mypkg.{SHADOWED[key]}', theirs, theirs]
    settled, *members = built(f'mmlth.{SHADOWED[key]}')
    assert settled == SHADOWED[key]
    assert all(each is ours or type(each) is ours for each in members)


def test_defaults_are_ours_in_every_scope(downstream):
    def theirs(*given):
        raise AssertionError

    for key, name in SHADOWED.items():
        REGISTRIES[key][0].children['mypkg'].register_module(name=name, module=theirs)
    with DefaultScope.overwrite_default_scope('mypkg'):
        settings = parse_settings({'rate': 0.5, 'target_sparsity': 0.75})
        assert settings.kept_per_round({'w': 1000}) == [1000, 500, 250]
        assert build_score(settings.score) is magnitude
        assert build_allocation(settings.allocation) is global_allocation
        assert build_pattern(settings.pattern) is unstructured


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """A package whose registry, or a module, cannot be imported."""
    (tmp_path / 'brokenpkg').mkdir()
    (tmp_path / 'brokenpkg/__init__.py').touch()
    (tmp_path / 'brokenpkg/scores.py').write_text('from mmlth import no_such_name')
    (tmp_path / 'brokenpkg/lacking.py').write_text('import no_such_package')
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path / 'brokenpkg'
    for name in [name for name in sys.modules if name.split('.')[0] == 'brokenpkg']:
        del sys.modules[name]


def test_a_module_that_cannot_be_imported_is_one_line(broken):
    for module, why in (('scores', "cannot import name 'no_such_name'"), ('lacking', 'No module')):
        name = f'brokenpkg.{module}.mine'
        with pytest.raises(LotteryError) as raised:
            parse_settings({'score': name})
        line = f"lottery.score='{name}' needs the module brokenpkg.{module}, which cannot be imp"
        assert str(raised.value).startswith(line)
        assert why in str(raised.value)
    with pytest.raises(LotteryError, match=r"got 'brokenpkg.mine'; the module brokenpkg has no"):
        parse_settings({'score': 'brokenpkg.mine'})
    (broken / 'registry.py').write_text('import no_such_package')
    sys.path_importer_cache.clear()
    for spec, scope in (('mine', 'brokenpkg'), ('brokenpkg.mine', None)):
        with pytest.raises(
            LotteryError, match=r'needs the module brokenpkg.registry, which .*no_s'
        ):
            parse_settings({'score': spec}, scope)


@pytest.mark.parametrize(
    ('key', 'spec', 'message'),
    [
        ('score', lambda inputs: {}, 'cannot be found again by this name'),
        ('score', {'type': lambda inputs: {}}, 'cannot be found again by this name'),
        ('score', 3, 'must be one of .*, got 3'),
        ('score', 'no.such.module', "must be one of .*, got 'no.such.module'"),
        ('score', 'mmlth.no_such', "must be one of .*, got 'mmlth.no_such'"),
        ('score', 'os', "must be one of .*, got 'os'"),
        ('score', 'a..b', "must be one of .*, got 'a..b'"),
        ('score', 'mmlth.pruning.scores', 'must be one of'),  # a module
        ('score', 'mmlth.pruning.kept_at', r"'mmlth.pruning.kept_at' needs the option 'spars"),
        ('pattern', 'mmlth.pruning.masked', r'called with \(mask, scores, keep, allocation, floor'),
        ('schedule', 'geometric', "needs the option 'rounds'"),
        ('schedule', {'type': 'geometric', 'total': 3}, "no option 'total'; it has rounds"),
        ('schedule', {'type': 'geometric', 'rounds': 0}, r'schedule=.*: rounds must be .*, got 0'),
        ('schedule', {'type': 'by_rate', 'rate': 'a'}, "schedule=.*: rate must lie .*, got 'a'"),
        ('schedule', {'type': 'by_rate', 'rate': 1}, 'schedule=.*: rate must lie .*, got 1'),
        ('schedule', {'type': 'by_list', 'sparsities': 'x'}, "must be a list .*, got 'x'"),
        ('schedule', {'type': 'by_list', 'sparsities': 0.5}, 'must be a list .*, got 0.5'),
        ('schedule', {'type': 'by_list', 'sparsities': []}, 'sparsities must rise'),
        ('schedule', {'type': 'by_list', 'sparsities': [0.5, 'x']}, "must lie .*, got 'x'"),
        ('schedule', {'type': 'by_list', 'sparsities': [0.5, 0.4]}, 'sparsities must rise'),
        ('branch', {'type': 'reinit', 'seed': 3}, "no option 'seed'; it has none"),
    ],
)
def test_what_is_none_is_one_line(key, spec, message):
    with pytest.raises(LotteryError, match=message) as raised:
        parse_settings(lottery_of(key, spec))
    assert '\n' not in str(raised.value)


def test_options_are_those_that_are_not_given(monkeypatch):
    def keywords(inputs, /, *, power, **others):
        return power, others

    monkeypatch.setitem(SCORES.module_dict, 'keywords', keywords)
    assert build_score({'type': 'keywords', 'power': 2, 'any': 3})(None) == (2, {'any': 3})
    with pytest.raises(LotteryError, match="needs the option 'power'"):
        build_score('keywords')


def test_what_a_score_declares_stays_with_its_options(monkeypatch):
    def scaled(inputs, scale=1):
        return {}

    scaled.needs, scaled.iterations = {'start'}, 3
    monkeypatch.setitem(SCORES.module_dict, 'scaled', scaled)
    built = build_score({'type': 'scaled', 'scale': 2})
    assert needs_of(built) == {'start'}
    assert built.iterations == 3


# ------------------------------------------------------------------ searches


def run(work_dir, lottery, **changes):
    config = toy_config(work_dir, **changes)
    config.lottery = {'rounds': 1, 'target_sparsity': 0.5, **lottery}
    return search_by(config)


def test_a_search_by_classes_resumes_and_branches(tmp_path):
    state = run(tmp_path, {'score': {'type': Snip, 'batches': 2}, 'allocation': {'type': erk}})
    assert state['config']['lottery']['score'] == {'type': 'snip', 'batches': 2}
    assert 'mmlth.pruning.scores.snip.Snip' in json.dumps(state['accepted_config'])
    again = {'score': {'type': 'snip', 'batches': 2}, 'allocation': {'type': 'erk'}}
    state = run(tmp_path, {**again, 'rounds': 2, 'target_sparsity': 0.8}, resume=True)
    assert len(state['rounds']) == 3
    rounds = mmlth.branch(tmp_path, {'type': noise, 'share': 0.5}, tickets=[1])
    assert len(rounds) == 2
    assert (tmp_path / 'branches/noise-share_0.5/search.json').is_file()


def falling(total, kept, by=100):
    """A schedule of one's own: each round prunes the same number of weights."""
    return [*range(total, kept, -by), kept]


def test_a_schedule_of_ones_own(tmp_path, monkeypatch):
    monkeypatch.setitem(SCHEDULES.module_dict, 'falling', falling)
    lottery = {'rounds': None, 'schedule': {'type': 'falling', 'by': 60}}
    state = run(tmp_path, lottery)
    assert state['schedule'] == [304, 244, 184, 152]
    assert state['config']['lottery']['schedule'] == {'type': 'falling', 'by': 60}
    with pytest.raises(LotteryError, match=r'lottery.schedule=.* begins with other rounds than'):
        run(tmp_path, {**lottery, 'target_sparsity': 0.8}, resume=True)
    state = run(
        tmp_path, {'rounds': None, 'schedule': 'one_shot', 'target_sparsity': 0.8}, resume=True
    )
    assert state['schedule'] == [304, 244, 184, 152, 61]


@pytest.mark.parametrize(
    ('lottery', 'expected'),
    [
        ({'rounds': 2}, [1000, 500, 250]),
        ({'rate': 0.5}, [1000, 500, 250]),
        ({'sparsities': [0.4, 0.75]}, [1000, 600, 250]),
        ({'schedule': {'type': 'geometric', 'rounds': 2}}, [1000, 500, 250]),
        ({'schedule': {'type': 'by_rate', 'rate': 0.5}}, [1000, 500, 250]),
        ({'schedule': {'type': 'by_list', 'sparsities': [0.4, 0.75]}}, [1000, 600, 250]),
        ({'schedule': 'one_shot'}, [1000, 250]),
    ],
)
def test_keys_choose_among_the_schedules(lottery, expected):
    settings = parse_settings({'target_sparsity': 0.75, **lottery})
    assert settings.kept_per_round({'a': 600, 'b': 400}) == expected
    assert ('schedule' in settings.to_dict()) == ('schedule' in lottery)


@pytest.mark.parametrize(
    'counts', [[1000], [1000, 300], [900, 250], [1000, 250.0], [1000, 200, 250], 7]
)
def test_what_is_no_schedule_is_one_line(monkeypatch, counts):
    monkeypatch.setitem(SCHEDULES.module_dict, 'odd', lambda total, kept: counts)
    settings = parse_settings({'target_sparsity': 0.75, 'schedule': 'odd'})
    with pytest.raises(
        LotteryError, match=r"'odd': .* must give whole numbers that fall from 1000"
    ):
        settings.kept_per_round({'w': 1000})


@pytest.mark.parametrize(
    'lottery',
    [{'sparsities': [0.5, 0.9]}, {'schedule': {'type': 'by_list', 'sparsities': [0.5, 0.9]}}],
)
def test_a_list_ends_at_the_target(lottery):
    settings = parse_settings(lottery)
    assert settings.target_sparsity == 0.9
    assert settings.kept_per_round({'w': 1000}) == [1000, 500, 100]
    (key,) = lottery
    with pytest.raises(LotteryError, match=rf'target_sparsity=0.8, but lottery.{key} ends at 0.9'):
        parse_settings({**lottery, 'target_sparsity': 0.8})
    with pytest.raises(LotteryError, match=rf'removes 0.5000 .*, but lottery.{key} asks for 0.9'):
        parse_settings({**lottery, 'allocation': {'w': 0.5}}).kept_per_round({'w': 1000})


@pytest.mark.parametrize(
    ('lottery', 'key'),
    [
        ({'rounds': 2}, 'rounds=2'),
        ({'rate': 0.5}, 'rate=0.5'),
        ({}, 'rate=0.2'),
        ({'schedule': {'type': 'geometric', 'rounds': 2}}, r"schedule=\{'type': 'geometric'"),
    ],
)
def test_the_message_names_the_key_that_chose_the_schedule(lottery, key):
    settings = parse_settings({**lottery, 'allocation': {'w': 0}})
    with pytest.raises(LotteryError, match=rf'^lottery\.{key}.*: target_sparsity must lie'):
        settings.kept_per_round({'w': 1000})


def test_schedules_exclude_each_other():
    for other in ({'rounds': 2}, {'rate': 0.2}, {'sparsities': [0.5]}):
        with pytest.raises(LotteryError, match='exclude each other'):
            parse_settings({'schedule': 'one_shot', **other})
    with pytest.raises(PruningError, match='must rise'):
        by_list(1000, 250, [0.8, 0.75])


def test_the_error_of_ones_own_score_is_shown_as_it_is(tmp_path, monkeypatch):
    def broken(inputs):
        raise ValueError('a mistake of mine')

    monkeypatch.setitem(SCORES.module_dict, 'broken', broken)
    with pytest.raises(ValueError, match=r'^a mistake of mine$') as raised:
        run(tmp_path, {'score': 'broken'})
    assert not isinstance(raised.value, LotteryError)
    assert raised.traceback[-1].name == 'broken'
    assert not (tmp_path / 'round_00').exists()


def test_a_score_that_runs_out_of_memory_is_one_line_before_training(tmp_path, monkeypatch):
    def large(inputs):
        raise torch.cuda.OutOfMemoryError('CUDA out of memory. Tried to allocate 2 GiB.')

    monkeypatch.setitem(SCORES.module_dict, 'large', large)
    with pytest.raises(LotteryError, match=r"'large' cannot rank these weights: .*out of memory"):
        run(tmp_path, {'score': 'large'})
    assert not (tmp_path / 'round_00').exists()


@pytest.mark.parametrize('what', ['start', 'network'])
def test_a_score_that_does_not_declare_what_it_needs(tmp_path, monkeypatch, what):
    def secret(inputs):
        getattr(inputs, what)
        return magnitude(inputs)

    monkeypatch.setitem(SCORES.module_dict, 'secret', secret)
    message = rf"'secret' cannot rank these weights: .* does not declare it; .*needs = {{'{what}'}}"
    with pytest.raises(LotteryError, match=message):
        run(tmp_path / 'a', {'score': 'secret'})
    secret.needs = {what}
    run(tmp_path / 'b', {'score': 'secret'})
    secret.needs = 'network'
    with pytest.raises(LotteryError, match='the needs of a score must be a set out of'):
        run(tmp_path / 'c', {'score': 'secret'})


def test_early_bird_reads_what_a_score_declares(tmp_path):
    with pytest.raises(LotteryError, match='looks at more than the weights'):
        run(tmp_path, {'score': {'type': movement}, 'early_bird': {'window': 2}})


# -------------------------------------------------------------- masked layers


def test_a_config_names_a_masked_layer():
    conv = {'type': 'mmlth.MaskedConv2d'}
    backbone = {'type': 'ResNet', 'depth': 18, 'num_stages': 1, 'strides': (1,), 'dilations': (1,)}
    neck = {'type': 'FPN', 'in_channels': [64], 'out_channels': 8, 'num_outs': 1}
    with DefaultScope.overwrite_default_scope('mmdet'):
        stock = MMDET_MODELS.build({**neck})
        body = MMDET_MODELS.build({**backbone, 'out_indices': (0,), 'conv_cfg': conv})
        model = MMDET_MODELS.build({**neck, 'conv_cfg': conv})
    layer = model.lateral_convs[0].conv
    assert isinstance(layer, torch.nn.Conv2d)
    assert stock.state_dict().keys() == model.state_dict().keys()
    layer.set_mask('weight', torch.arange(512).view(8, 64, 1, 1) < 128)
    assert 'density=0.25' in repr(model)
    body.conv1.set_mask('weight', torch.zeros(64, 3, 7, 7, dtype=torch.bool))
    assert not body.conv1.weight.any()
    assert torch.equal(layer.weight[2:], torch.zeros(6, 64, 1, 1))
