"""Searches that count multiply-adds: met, recorded once, gone on with, branched, refused."""

import itertools
import json
import re

import pytest
from kit import csv_rows, record, search_by, ticket_bytes, ticket_of, tickets_of
from mmengine.registry import MODELS
from toy import SIZED, ToyModel, toy_config

import mmlth
from mmlth import LotteryError
from mmlth.engine.masking import weight_costs
from mmlth.engine.settings import parse_settings
from mmlth.pruning import find_targets, kept_amount

COSTS = {'conv.weight': 36, 'depthwise.weight': 36, 'fc.weight': 1}
TOTAL = 216 * 36 + 72 * 36 + 16


def search(work_dir, resume=False, sized=True, **lottery):
    config = toy_config(work_dir, resume=resume, **(SIZED if sized else {}))
    config.lottery = {'budget': 'macs', 'rewind': '1ep', **lottery}
    return search_by(config)


def test_the_target_is_a_share_of_the_multiply_adds(tmp_path):
    state = search(tmp_path, sparsities=[0.5, 0.8])
    masks = [ticket.mask for ticket in tickets_of(tmp_path)]
    assert state['costs'] == COSTS
    assert state['schedule'] == [TOTAL, TOTAL - round(0.5 * TOTAL), TOTAL - round(0.8 * TOTAL)]
    assert all(new.issubset(old) for old, new in itertools.pairwise(masks))
    for mask, budget, entry in zip(masks, state['schedule'], state['rounds']):
        assert budget - 36 < kept_amount(mask, COSTS) <= budget
        assert entry['kept_macs'] == kept_amount(mask, COSTS)
        assert (entry['prunable_macs'], entry['kept'], entry['prunable']) == (TOTAL, mask.kept, 304)
    assert state['config']['lottery']['budget'] == {'type': 'macs', 'power': 0.0}
    left = [float(row['macs_left']) for row in csv_rows(tmp_path / 'report/results.csv')]
    assert left == [entry['kept_macs'] / TOTAL for entry in state['rounds']]


@pytest.mark.pages
def test_the_page_tells_what_the_sparsity_is_of(tmp_path):
    search(tmp_path, target_sparsity=0.8, rounds=1)
    assert '1 pruning rounds to 80.0% of the multiply-adds' in (
        tmp_path / 'report/report.md'
    ).read_text().replace('\n', ' ')


def test_the_power_of_what_a_weight_costs(tmp_path):
    tempered = {'type': 'macs', 'power': 0.25}
    by_cost = search(tmp_path / 'a', sparsities=[0.8], budget={'type': 'macs', 'power': 1})
    by_power = search(tmp_path / 'b', sparsities=[0.8], budget=tempered)
    by_score = search(tmp_path / 'c', sparsities=[0.8], budget={'type': 'macs', 'power': 0.0})
    assert by_power['config']['lottery']['budget'] == tempered
    assert by_score['config']['lottery']['budget'] == {'type': 'macs', 'power': 0.0}
    for state in (by_cost, by_power, by_score):
        assert state['schedule'][-1] - 36 < state['rounds'][-1]['kept_macs'] <= TOTAL * 0.2
    # The more the costs count, the better for the linear layer, whose weights cost 1 and not 36.
    kept = [int(ticket_of(tmp_path / name, 1).mask['fc.weight'].sum()) for name in 'abc']
    assert 16 == kept[0] > kept[1] > kept[2]


@pytest.mark.parametrize('allocation', ['uniform', 'erk', 'lamp'])
def test_allocations(tmp_path, allocation):
    state = search(tmp_path, target_sparsity=0.75, rounds=1, allocation=allocation)
    kept = state['rounds'][-1]['kept_macs']
    assert state['schedule'][-1] - 36 < kept <= state['schedule'][-1]


@pytest.mark.parametrize('pattern', ['kernel', 'channel', '4x1'])
def test_patterns(tmp_path, pattern):
    state = search(tmp_path, target_sparsity=0.5, rounds=1, pattern=pattern)
    unit = {'kernel': 9, 'channel': 27, '4x1': 4}[pattern]
    kept = state['rounds'][-1]['kept_macs']
    assert state['schedule'][-1] - 2 * unit * 36 < kept <= state['schedule'][-1]


def test_the_costs_are_counted_once(tmp_path, monkeypatch):
    """What was counted is in search.json, so that going on depends on nothing else."""
    whole = tmp_path / 'whole'
    search(whole, sparsities=[0.5, 0.8])
    halves = tmp_path / 'halves'
    config = toy_config(halves, **SIZED)
    config.lottery = {'budget': 'macs', 'sparsities': [0.5, 0.8], 'rounds_per_run': 2}
    search_by(config)
    state = record(halves)
    assert len(state['rounds']) == 2

    def never(*_):
        raise AssertionError('counted again')

    monkeypatch.setattr('mmlth.engine.search.acceptance.weight_costs', never)
    config.resume = True
    search_by(config)
    assert ticket_bytes(halves) == ticket_bytes(whole)
    # More rounds count multiply-adds as well.
    longer = search(halves, resume=True, sparsities=[0.5, 0.8, 0.9])
    assert longer['schedule'] == [*state['schedule'], TOTAL - round(0.9 * TOTAL)]
    assert longer['rounds'][-1]['kept_macs'] <= longer['schedule'][-1]
    longest = search(halves, resume=True, rounds=4, target_sparsity=0.95)
    assert longest['schedule'] == [*longer['schedule'], TOTAL - round(0.95 * TOTAL)]


def test_a_search_that_counts_weights_is_recorded_as_ever(tmp_path):
    config = toy_config(tmp_path / 'a')
    config.lottery = {'rounds': 1, 'target_sparsity': 0.5}
    default = search_by(config)
    config = toy_config(tmp_path / 'b', **SIZED)
    config.lottery = {'rounds': 1, 'target_sparsity': 0.5, 'budget': 'weights'}
    named = search_by(config)
    assert 'costs' not in default
    assert 'macs' not in json.dumps(default)
    assert 'budget' not in default['config']['lottery']
    assert default.keys() == named.keys()
    assert default['config']['lottery'] == named['config']['lottery']
    assert 'macs_left' not in (tmp_path / 'a/report/results.csv').read_text()


def test_one_dense_round_for_searches_by_weights_and_by_multiply_adds(tmp_path):
    config = toy_config(tmp_path, **SIZED)
    search_by(config)
    before = (tmp_path / 'search.json').read_bytes()
    rounds = mmlth.branch(tmp_path, name='macs', budget='macs', sparsities=[0.6])
    assert (tmp_path / 'search.json').read_bytes() == before
    assert rounds[0]['kept_macs'] == rounds[0]['prunable_macs'] == TOTAL
    assert TOTAL * 0.4 - 36 < rounds[1]['kept_macs'] <= TOTAL * 0.4
    state = record(tmp_path / 'branches/macs')
    assert state['costs'] == COSTS
    assert rounds[0]['metrics'] == record(tmp_path)['rounds'][0]['metrics']


def test_branches_and_controls_of_a_search_by_multiply_adds(tmp_path, monkeypatch):
    state = search(tmp_path, sparsities=[0.5, 0.8])
    monkeypatch.setattr('mmlth.engine.models.counting.count_macs', None)  # no need to again
    rounds = mmlth.branch(tmp_path, 'permuted', tickets=[2])
    # As many weights in each layer, so as many multiply-adds.
    assert rounds[1]['kept_macs'] == state['rounds'][2]['kept_macs']
    rounds = mmlth.branch(tmp_path, name='score', score='random', sparsities=[0.7])
    assert TOTAL * 0.3 - 36 < rounds[1]['kept_macs'] <= TOTAL * 0.3
    rounds = mmlth.branch(tmp_path, name='weights', budget='weights', sparsities=[0.5])
    assert [entry['kept'] for entry in rounds] == [304, 152]
    assert all('kept_macs' not in entry for entry in rounds)
    state = record(tmp_path / 'branches/weights')
    assert 'costs' not in state


def test_another_budget_is_another_search(tmp_path):
    search(tmp_path, rounds=1, target_sparsity=0.5)
    with pytest.raises(LotteryError, match=r"lottery\.budget\.type: 'macs' → absent"):
        search(tmp_path, resume=True, rounds=1, target_sparsity=0.5, budget='weights')


def test_a_record_that_does_not_tell_its_power_is_of_another_search(tmp_path):
    """Before the power was recorded 'macs' alone stood for 1."""
    search(tmp_path, rounds=2, target_sparsity=0.5, rounds_per_run=2)
    path = tmp_path / 'search.json'
    state = json.loads(path.read_text())
    state['config']['lottery']['budget'] = 'macs'
    path.write_text(json.dumps(state))
    with pytest.raises(LotteryError, match=r'holds a search with other settings.*lottery\.budget'):
        search(tmp_path, resume=True, rounds=2, target_sparsity=0.5)


@MODELS.register_module(force=True)
class IdleLayer(ToyModel):
    """Has a layer that only its loss might use."""

    def __init__(self):
        super().__init__()
        self.idle = self.fc.__class__(8, 2)


@pytest.mark.parametrize(
    ('changes', 'lottery', 'message'),
    [
        (
            {},
            {},
            'since the pipeline of val_dataloader does not resize images to one size; give '
            'val_dataloader a pipeline that does',
        ),
        (
            {**SIZED, 'model.type': 'IdleLayer'},
            {},
            'no multiply-adds were counted for idle.weight (not used); leave these out by '
            'lottery.targets.exclude',
        ),
        (
            SIZED,
            {'score': 'magnitude_increase', 'budget': {'type': 'macs', 'power': 1}},
            'so they must not be negative',
        ),
        (SIZED, {'floor': 0.5}, 'but only 2077 are to be kept; lower the floor or the sparsity'),
    ],
)
def test_what_cannot_be_is_told_before_any_training(tmp_path, changes, lottery, message):
    config = toy_config(tmp_path, **changes)
    config.lottery = {'budget': 'macs', 'target_sparsity': 0.8, 'rounds': 1, **lottery}
    with pytest.raises(LotteryError, match=re.escape(message)) as raised:
        search_by(config)
    assert '\n' not in str(raised.value)
    assert not (tmp_path / 'search.json').exists()
    assert not (tmp_path / 'round_00').exists()


def test_nothing_is_counted_where_weights_are():
    model = ToyModel()
    config = toy_config('unused')  # which does not tell a size
    assert weight_costs(parse_settings({}), config, find_targets(model)) is None


@pytest.mark.parametrize(
    ('parent', 'branch', 'counts'),
    [
        ('macs', {'control': 'gradual'}, 'macs'),
        ('macs', {'control': 'rigl'}, 'weights'),
        ('macs', {'control': 'gradual', 'budget': 'weights'}, 'weights'),
        ('weights', {'control': 'gradual'}, 'weights'),
    ],
)
def test_a_method_beside_a_search_has_the_sparsity_of_its_ticket(tmp_path, parent, branch, counts):
    """In what the branch counts, whatever the search counted."""
    ticket = search(tmp_path, budget=parent, target_sparsity=0.6, rounds=1)['rounds'][1]
    rounds = mmlth.branch(tmp_path, name='beside', **branch)
    kept = 'kept_macs' if counts == 'macs' else 'kept'
    assert rounds[1][kept] == pytest.approx(ticket[kept], abs=36 if counts == 'macs' else 1)
    assert rounds[1].get('kept_macs') is None or counts == 'macs'


def test_a_method_that_counts_what_its_search_did_not_is_told_how_much(tmp_path):
    search(tmp_path, budget='weights', target_sparsity=0.6, rounds=1)
    with pytest.raises(LotteryError, match=r'the branch counts multiply-adds, .* give sparsities'):
        mmlth.branch(tmp_path, 'gradual', budget='macs')
    rounds = mmlth.branch(tmp_path, 'gradual', budget='macs', sparsities=[0.5])
    assert rounds[1]['kept_macs'] <= TOTAL // 2
