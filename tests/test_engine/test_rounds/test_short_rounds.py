"""``lottery.round_length``: the rounds between the dense and the last one are shorter."""

import json

import pytest
import spy
from kit import csv_rows, search_by, ticket_bytes
from mmengine.hooks import ParamSchedulerHook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from sections import texts
from toy import ITERATIONS_PER_EPOCH, toy_config

import mmlth
from mmlth import LotteryError
from mmlth.engine.hooks import PaceHook, ProgressHook
from mmlth.engine.settings import parse_settings
from mmlth.report.cost.section import cost_section
from mmlth.report.searches import read_searches, rounds_by_line

EPOCHS = 5
LONG = {'train_cfg.max_epochs': EPOCHS}
LONG_ITERATIONS = {'train_cfg.max_iters': EPOCHS * ITERATIONS_PER_EPOCH}


def config_of(work_dir, iterations=False, resume=False, changes=None, **lottery):
    long = LONG_ITERATIONS if iterations else LONG
    config = toy_config(work_dir, iterations, resume=resume, **{**long, **(changes or {})})
    config.param_scheduler[1].end = EPOCHS * ITERATIONS_PER_EPOCH
    config.lottery.update({'rewind': '6it', 'rounds': 3, 'round_length': 0.5, **lottery})
    return config


def search(*args, **options):
    return search_by(config_of(*args, **options))['rounds']


def seen(round_name):
    """The iterations that a round trained, and the learning rate of each."""
    spied = spy.records[round_name]
    return {at: state['optimizer']['param_groups'][0]['lr'] for at, state in spied.items()}


@pytest.fixture
def spying():
    spy.records.clear()
    return {'custom_hooks': [{'type': 'SpyHook'}]}


@pytest.mark.parametrize(
    ('iterations', 'lottery', 'first', 'end'),
    [
        (False, {}, 6, 18),
        (True, {}, 6, 18),
        (True, {'round_length': '7it'}, 6, 13),
        (False, {'round_length': '1ep', 'rewind': '2ep'}, 12, 18),
        (False, {'rewind_what': 'learning_rate'}, 6, 18),
        (True, {'rewind_what': 'learning_rate', 'rewind': '10it'}, 10, 20),
        (False, {'after_rewind': 'full', 'round_length': 0.4}, 0, 12),
        (False, {'rewind_what': 'reinit', 'round_length': 0.4}, 0, 12),
        (True, {'rewind': '0', 'round_length': 0.25}, 0, 8),
    ],
)
def test_rounds_run_through_the_schedule_faster(tmp_path, spying, iterations, lottery, first, end):
    rounds = search(tmp_path, iterations, changes=spying, **lottery)
    full = EPOCHS * ITERATIONS_PER_EPOCH
    assert [entry['iter'] for entry in rounds] == [full, end, end, full]
    trained = [entry['iterations'] for entry in rounds]
    assert trained == [full, end - first, end - first, full - first]
    assert not any('saved_iterations' in entry for entry in rounds)  # by early-bird, that is
    dense = seen('round_00')
    assert list(dense) == list(range(full))
    for name in ('round_01', 'round_02'):
        pace = [first + (at - first) * (full - first) // (end - first) for at in range(first, end)]
        assert seen(name) == dict(zip(range(first, end), [dense[at] for at in pace]))
    assert seen('round_03') == {at: dense[at] for at in range(first, full)}
    if not iterations:
        recorded = [row['epochs'] for row in csv_rows(tmp_path / 'report/results.csv')]
        assert recorded == [str(entry / ITERATIONS_PER_EPOCH) for entry in trained]


def test_fine_tuning_is_shorter_at_its_learning_rate(tmp_path, spying):
    rounds = search(tmp_path, changes=spying, rewind_what='nothing')
    assert [entry['iterations'] for entry in rounds] == [30, 12, 12, 24]
    last = rounds[0]['learning_rates'][0][0]
    assert set(seen('round_01').values()) == {last}


@pytest.mark.parametrize('what', ['weights', 'learning_rate'])
def test_a_linear_decay(tmp_path, spying, what):
    length = {'type': '8it', 'schedule': 'linear'}
    search(tmp_path, True, changes=spying, round_length=length, rewind_what=what)
    expected = {at: 0.1 * (14 - at) / 8 for at in range(6, 14)}
    assert seen('round_02') == pytest.approx(expected)
    dense = seen('round_00')
    assert seen('round_03') == {at: dense[at] for at in range(6, 30)}


def test_the_earlier_of_both_ends_a_round(tmp_path):
    early = {'window': 2, 'distance': 0.45, 'full_dense': True}
    rounds = search(tmp_path / 'early', early_bird=early, round_length='3ep', target_sparsity=0.9)
    recorded = [(entry['epochs'], entry['saved_epochs']) for entry in rounds]
    assert recorded == [(5, 0), (2, 1), (2, 1), (4, 0)]
    short = search(tmp_path / 'short', early_bird=early, round_length='1ep', target_sparsity=0.9)
    assert [(entry['epochs'], entry['saved_epochs']) for entry in short] == [
        *((5, 0), (1, 0), (1, 0), (4, 0))
    ]


def test_the_whole_schedule_is_no_setting(tmp_path):
    whole = search(tmp_path / 'whole', round_length=1)
    assert not any('iterations' in entry for entry in whole)
    config = config_of(tmp_path / 'absent')
    del config.lottery['round_length']
    search_by(config)
    assert ticket_bytes(tmp_path / 'whole') == ticket_bytes(tmp_path / 'absent')
    assert 'round_length' not in parse_settings({'round_length': 1}).to_dict()


class Killed(BaseException):
    """Stands for SIGKILL."""


@pytest.fixture(scope='module')
def undisturbed(tmp_path_factory):
    known = {}

    def get(length):
        if str(length) not in known:
            work_dir = tmp_path_factory.mktemp('undisturbed')
            search(work_dir, changes=BY_ITERATION, round_length=length, rounds=2)
            known[str(length)] = ticket_bytes(work_dir)
        return known[str(length)]

    return get


BY_ITERATION = {
    'default_hooks.checkpoint': {'type': 'CheckpointHook', 'interval': 4, 'by_epoch': False}
}
LINEAR = {'type': 0.5, 'schedule': 'linear'}


@pytest.mark.parametrize(
    ('length', 'point', 'iteration'),
    [
        ('3ep', 'before_train_iter', 11),  # four steps of schedulers in three iterations
        ('3ep', 'after_train_epoch', 12),
        ('3ep', 'after_train', 24),
        (LINEAR, 'before_train_iter', 11),
    ],
)
def test_killed(undisturbed, tmp_path, monkeypatch, length, point, iteration):
    original = getattr(ProgressHook, point)

    def end(self, runner, *args, **kwargs):
        if runner.work_dir.endswith('round_01') and runner.iter == iteration:
            raise Killed
        original(self, runner, *args, **kwargs)

    monkeypatch.setattr(ProgressHook, point, end)
    with pytest.raises(Killed):
        search(tmp_path, changes=BY_ITERATION, round_length=length, rounds=2)
    monkeypatch.undo()
    search(tmp_path, resume=True, changes=BY_ITERATION, round_length=length, rounds=2)
    assert ticket_bytes(tmp_path) == undisturbed(length)


def test_branches_and_controls(tmp_path):
    config = config_of(tmp_path)
    del config.lottery['round_length']
    search_by(config)
    rounds = mmlth.branch(tmp_path, round_length='2ep')
    assert [entry['iter'] for entry in rounds] == [30, 18, 18, 30]
    mmlth.branch(tmp_path, rewind_what='learning_rate', name='in_full')
    _, lines = rounds_by_line(read_searches([tmp_path]))  # results alone are compared
    lengths = {name: [entry['iter'] for entry in line] for name, line in lines.items()}
    assert lengths == {'ticket': [30] * 3, 'round_length_2ep': [30], 'in_full': [30] * 3}
    with pytest.raises(LotteryError, match=r"'9ep' is longer than the 24 iterations"):
        mmlth.branch(tmp_path, round_length='9ep')
    assert not (tmp_path / 'branches/round_length_9ep').exists()
    with pytest.raises(LotteryError, match=r'lottery\.round_length'):
        mmlth.branch(tmp_path, 'random', round_length='2ep')


def test_controls_of_short_rounds_train_in_full(tmp_path):
    search(tmp_path)
    rounds = mmlth.branch(tmp_path, 'permuted', tickets=[1])
    assert [entry['iter'] for entry in rounds] == [30, 30]
    long = mmlth.branch(tmp_path, 'long_dense')
    # As many epochs as 30 + 12 + 12 + 24 iterations are.
    assert long[1]['iter'] == 78


def test_the_time_left_counts_what_is_to_come(tmp_path, monkeypatch):
    counted = {}
    original = ProgressHook.before_train

    def count(self, runner):
        counted[self.round_index] = self.to_come(runner)
        original(self, runner)

    monkeypatch.setattr(ProgressHook, 'before_train', count)
    search(tmp_path)
    assert counted == {0: 12 + 12 + 24, 1: 12 + 24, 2: 24, 3: 0}


def test_one_shot_has_nothing_to_shorten(tmp_path, capsys):
    config = config_of(tmp_path, rounds=1)
    config.log_level = 'INFO'
    rounds = search_by(config)['rounds']
    assert [entry['iter'] for entry in rounds] == [30, 30]
    assert 'lottery.round_length=0.5 shortens nothing here' in ' '.join(
        capsys.readouterr().out.split()
    )


def test_the_cost_is_told_in_iterations_and_dense_trainings(tmp_path, capsys):
    search(tmp_path)
    line = '78 iterations, as many as 2.60 dense trainings'  # 30 + 12 + 12 + 24, by 30
    assert f'all rounds: {line}' in ' '.join(capsys.readouterr().out.split())
    assert f'The search trained {line}.' in texts(cost_section(read_searches([tmp_path])))[0]


def test_the_cost_of_any_search(toy_search):
    """Rounds in full are not recorded by their length, but by where they end."""
    cost = 'The search trained 42 iterations, as many as 2.33 dense trainings.'
    assert cost in texts(cost_section(read_searches([toy_search])))[0]
    several = texts(cost_section(read_searches([toy_search, toy_search])))[0]
    assert 'Each search trained 42 iterations, as many as 2.33 dense trainings.' in several


def test_an_earlier_search_tells_no_cost(tmp_path, toy_search):
    state = json.loads((toy_search / 'search.json').read_text())
    for entry in state['rounds']:
        del entry['iter']
        entry['ticket'] = str(toy_search / entry['ticket'])
    (tmp_path / 'search.json').write_text(json.dumps(state))
    assert 'dense trainings' not in texts(cost_section(read_searches([tmp_path])))[0]


@HOOKS.register_module(force=True)
class OwnSchedulerHook(ParamSchedulerHook):
    """One that a pace cannot stand for."""


def test_a_hook_of_ones_own_that_steps_schedulers_is_refused_before_training(tmp_path):
    changes = {'default_hooks.param_scheduler': {'type': 'OwnSchedulerHook'}}
    with pytest.raises(LotteryError, match='param_scheduler is a OwnSchedulerHook; leave one'):
        search(tmp_path, changes=changes)
    assert not (tmp_path / 'search.json').exists()


def test_a_length_that_no_round_has_is_refused_before_training(tmp_path):
    with pytest.raises(LotteryError, match='is longer than the 24 iterations'):
        search(tmp_path, round_length='5ep')
    assert not (tmp_path / 'search.json').exists()


def test_schedules_that_nothing_steps_stay_so(tmp_path, spying):
    changes = {**spying, 'default_hooks.param_scheduler': None}
    search(tmp_path, changes=changes, rounds=2)
    assert len(set(seen('round_01').values())) == 1


def test_the_hook_keeps_its_place(tmp_path, monkeypatch):
    order = {}
    original = Runner.call_hook

    def noted(self, name, *args, **kwargs):
        order[self.work_dir[-8:]] = [(type(h).__name__, h.priority) for h in self._hooks]
        return original(self, name, *args, **kwargs)

    monkeypatch.setattr(Runner, 'call_hook', noted)
    changes = {'default_hooks.param_scheduler': {'type': 'ParamSchedulerHook', 'priority': 'LOW'}}
    search(tmp_path, changes=changes, rounds=2)
    own = {'RewindHook', 'MaskHook', 'MaskDistanceHook'}
    short, full = ([each for each in order[f'round_0{i}'] if each[0] not in own] for i in (1, 2))
    assert [
        (PaceHook.__name__, p) if n == 'ParamSchedulerHook' else (n, p) for n, p in full
    ] == short


@pytest.mark.parametrize(
    ('lottery', 'message'),
    [
        ({'round_length': 0}, 'must be a share of the schedule above 0 and at most 1, or a step'),
        ({'round_length': 1.5}, r"such as '3ep' or '500it', got 1\.5"),
        ({'round_length': True}, 'got True'),
        ({'round_length': '0ep'}, "got '0ep'"),
        ({'round_length': 'best'}, "got 'best'"),
        ({'round_length': '3 ep'}, "got '3 ep'"),
        ({'round_length': {'schedule': 'linear'}}, 'got None'),
        ({'round_length': {'typ': 0.5}}, r'unknown key lottery\.round_length\.typ; did you mean'),
        ({'round_length': {'type': 0.5, 'schedule': 'cosine'}}, 'one of compressed, linear, got'),
        (
            {'round_length': {'type': 0.5, 'schedule': 'linear'}, 'rewind_what': 'nothing'},
            "give rewind_what='learning_rate' to train on",
        ),
    ],
)
def test_bad_settings(lottery, message):
    with pytest.raises(LotteryError, match=message):
        parse_settings(lottery)


@pytest.mark.parametrize(
    ('given', 'settled'),
    [
        (0.25, 0.25),
        ('0.25', 0.25),  # of the command line
        ('.5', 0.5),
        (1, None),
        ('1.0', None),
        ('3ep', '3ep'),
        ({'type': '500it', 'schedule': 'compressed'}, '500it'),
        ({'type': '0.25', 'schedule': 'linear'}, {'type': 0.25, 'schedule': 'linear'}),
        ({'type': 1, 'schedule': 'linear'}, {'type': 1.0, 'schedule': 'linear'}),
    ],
)
def test_one_length_is_said_in_one_way(given, settled):
    assert parse_settings({'round_length': given}).round_length == settled


def test_settings():
    assert parse_settings({}).shorter_rounds is None
    length = parse_settings({'round_length': '3ep'}).shorter_rounds
    assert (length.amount, length.unit, length.linear, str(length)) == (3, 'ep', False, "'3ep'")
