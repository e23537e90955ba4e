"""``lottery.branch.length``: rounds of a branch that train longer than those of its search."""

import json

import pytest
import spy
from kit import record, search_by, ticket_bytes
from mmengine.registry import HOOKS
from toy import ITERATIONS_PER_EPOCH, toy_config

import mmlth
from mmlth import LotteryError
from mmlth.report.searches import read_search, training_cost

FULL = 3 * ITERATIONS_PER_EPOCH
FIRST = ITERATIONS_PER_EPOCH


@pytest.fixture
def searched(tmp_path):
    """A search of two pruning rounds by epochs: 18 iterations, then twice the last 12 of them."""
    return search_of(tmp_path)


def search_of(work_dir, iterations=False):
    config = toy_config(work_dir, iterations, custom_hooks=[{'type': 'SpyHook'}])
    config.default_hooks.checkpoint = {'type': 'CheckpointHook', 'interval': 4, 'by_epoch': False}
    if not iterations:
        step = {'type': 'MultiStepLR', 'milestones': [2], 'gamma': 0.5, 'by_epoch': True}
        config.param_scheduler.append(step)
    config.lottery.update({'rewind': f'{FIRST}it', 'rounds': 2})
    search_by(config)
    spy.records.clear()
    return work_dir


def seen(round_name='round_01'):
    """The iterations that a round trained, and the learning rate of each."""
    spied = spy.records[round_name]
    return {at: state['optimizer']['param_groups'][0]['lr'] for at, state in spied.items()}


@pytest.mark.parametrize('iterations', [False, True])
def test_the_schedule_is_stretched(tmp_path, iterations):
    search_of(tmp_path, iterations)
    mmlth.branch(tmp_path, sparsities=[0.8], name='as_long')
    full = seen()
    assert list(full) == list(range(FIRST, FULL))
    spy.records.clear()
    rounds = mmlth.branch(tmp_path, sparsities=[0.8], length=2.5, name='longer')
    end = FIRST + int(2.5 * (FULL - FIRST))
    assert (rounds[1]['iter'], rounds[1]['iterations']) == (end, end - FIRST)
    slowly = {at: full[FIRST + int((at - FIRST) / 2.5)] for at in range(FIRST, end)}
    assert seen() == slowly
    assert rounds[1]['learning_rates'] == record(tmp_path)['rounds'][0]['learning_rates']


def test_as_long_as_the_search(searched):
    rounds = mmlth.branch(searched, 'gradual', target_sparsity=0.8, length='search')
    whole = FULL + 2 * (FULL - FIRST)
    trained = FIRST + rounds[1]['iterations']
    assert trained == whole
    name = 'gradual-target_sparsity_0.8-length_search'
    state = record(searched / 'branches' / name)
    assert state['branch']['length'] == (whole - FIRST) / (FULL - FIRST)
    assert rounds[1]['sparsity'] == pytest.approx(0.8, abs=1 / 304)
    costs = [training_cost(read_search(path)) for path in (searched, searched / 'branches' / name)]
    assert [cost.iterations for cost in costs] == [whole, whole]
    assert [cost.dense for cost in costs] == [FULL, FULL]


def test_every_round_of_an_iterative_branch_is_longer(searched):
    rounds = mmlth.branch(searched, rewind_what='learning_rate', length=2, name='longer')
    assert [entry['iter'] for entry in rounds] == [FULL, FIRST + 24, FIRST + 24]


@pytest.mark.parametrize('method', [{'sparsities': [0.8]}, {'control': 'gradual'}])
def test_what_is_broken_off_goes_on_exactly(searched, monkeypatch, method):
    mmlth.branch(searched, length=2, name='whole', **method)

    class Break(Exception):
        pass

    def stop(self, runner, *args, **kwargs):
        if runner.iter == 20:
            raise Break

    hook = HOOKS.get('SpyHook')
    with monkeypatch.context() as patched:
        patched.setattr(hook, 'after_train_iter', stop)
        with pytest.raises(Break):
            mmlth.branch(searched, length=2, name='broken', **method)
    mmlth.branch(searched, length=2, name='broken', resume=True, **method)
    whole, broken = (searched / 'branches' / name for name in ('whole', 'broken'))
    assert ticket_bytes(whole) == ticket_bytes(broken)


@pytest.mark.parametrize('length', [1, 0.5, 'long', True, float('inf')])
def test_other_lengths_are_refused(searched, length):
    with pytest.raises(LotteryError, match=r'branch.length must be a number above 1, or .search.'):
        mmlth.branch(searched, sparsities=[0.8], length=length)


def test_controls_train_in_full(searched):
    with pytest.raises(LotteryError, match="the control 'random' trains in full"):
        mmlth.branch(searched, 'random', length=2)


def test_longer_and_shorter_rounds_exclude_each_other(searched):
    with pytest.raises(LotteryError, match=r'length=2.0 makes rounds longer'):
        mmlth.branch(searched, sparsities=[0.5, 0.8], length=2, round_length=0.5)


def test_the_length_is_part_of_the_branch(searched):
    mmlth.branch(searched, sparsities=[0.8], length=2, name='longer')
    with pytest.raises(LotteryError, match='length'):
        mmlth.branch(searched, sparsities=[0.8], length=3, name='longer', resume=True)
    again = mmlth.branch(searched, sparsities=[0.8], length='2', name='longer', resume=True)
    assert json.dumps(again) == json.dumps(record(searched / 'branches/longer')['rounds'])


def test_branches_without_a_length_are_recorded_as_ever(searched):
    mmlth.branch(searched, sparsities=[0.8], name='as_ever')
    assert 'length' not in record(searched / 'branches/as_ever')['config']['lottery']['branch']


@pytest.mark.parametrize('rewinding', [{'rewind_what': 'reinit'}, {'after_rewind': 'full'}])
def test_as_long_as_the_search_from_another_start(searched, rewinding):
    rounds = mmlth.branch(searched, sparsities=[0.8], length='search', name='anew', **rewinding)
    whole = FULL + 2 * (FULL - FIRST)
    assert rounds[1]['iter'] == rounds[1]['iterations'] == whole


def test_a_search_with_short_rounds_has_longer_branches(tmp_path):
    config = toy_config(tmp_path)
    config.lottery.update({'rewind': '6it', 'rounds': 2, 'round_length': 0.5})
    search_by(config)
    rounds = mmlth.branch(tmp_path, sparsities=[0.8], length=2)
    assert rounds[1]['iter'] == FIRST + 24
    assert (tmp_path / 'branches/sparsities__0.8_-length_2').exists()


def test_a_length_that_is_none_is_told(searched, capsys):
    options = {'cfg_options': {'log_level': 'INFO'}, 'name': 'hardly'}
    mmlth.branch(searched, sparsities=[0.8], length=1.1, **options)
    assert 'lottery.branch.length=1.1 changes nothing' in ' '.join(capsys.readouterr().out.split())
