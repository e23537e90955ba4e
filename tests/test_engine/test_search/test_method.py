"""``lottery.method``: pruning while one training runs, alone and beside a search."""

import contextlib
import json

import pytest
import torch
from kit import record, search_by, ticket_bytes, ticket_of
from mmengine.runner import Runner
from toy import toy_config

import mmlth
from mmlth import LotteryError, load_ticket
from mmlth.engine import parse_settings
from mmlth.engine.hooks import ProgressHook
from mmlth.pruning import attached_mask
from mmlth.pruning.methods import Gradual
from mmlth.report.writing import write_report
from mmlth.ticket import load_rewind_weights, with_initial

TOTAL = 304
GRADUAL = {'type': 'gradual', 'every': 2, 'end': 12}
METHODS = ('gradual', 'rigl', 'set', 'ac_dc')


class Killed(BaseException):
    """Stands for SIGKILL."""


def config_of(work_dir, **lottery):
    config = toy_config(work_dir)
    config.lottery = lottery
    return config


def train_once(work_dir, method, **lottery):
    return search_by(config_of(work_dir, method=method, target_sparsity=0.75, **lottery))


@pytest.fixture(scope='module')
def searched(tmp_path_factory):
    """A search of two rounds whose later ones start at the very beginning."""
    work_dir = tmp_path_factory.mktemp('searched') / 'work'
    search_by(config_of(work_dir, sparsities=[0.5, 0.75], rewind='0'))
    return work_dir


@pytest.mark.parametrize('method', METHODS)
def test_one_training_ends_with_a_ticket(tmp_path, method):
    state = train_once(tmp_path / 'work', method, checkpoints='both')
    assert state['schedule'] == [76]
    (round_,) = state['rounds']
    assert (round_['round'], round_['kept'], round_['iter']) == (0, 76, 18)
    assert round_['metrics'].keys() == {'toy/accuracy'}
    ticket = ticket_of(tmp_path / 'work', 0)
    assert ticket.mask.kept == 76
    assert not any(ticket.weights[name][~kept].any() for name, kept in ticket.mask.items())
    assert ticket.info['sparsity'] == 0.75
    # Tickets beside checkpoints hold the mask of their time, and count it.
    middle = load_ticket(tmp_path / 'work/round_00/epoch_2.safetensors')
    assert middle.info['sparsity'] == middle.mask.sparsity
    assert load_ticket(tmp_path / 'work/round_00/epoch_3.safetensors').mask == ticket.mask


def test_the_page_says_that_there_is_nothing_to_compare_with(tmp_path, capsys):
    train_once(tmp_path / 'work', 'gradual')
    assert 'against round 0' not in capsys.readouterr().out
    page = write_report([tmp_path / 'work']).with_suffix('.md').read_text()
    assert 'pruned while training by gradual to 75.0%; seed 0.' in page
    assert 'Trained once, so that there is no dense model to compare with' in page
    assert 'dashed lines' not in page
    assert 'what the dense model ends with' not in page
    assert '## Masks' in page


@pytest.fixture
def dying(monkeypatch):
    """While it is entered, a training dies after its ninth iteration, in the middle of an epoch."""
    original = ProgressHook.after_train_iter

    def die(self, runner, *args, **kwargs):
        original(self, runner, *args, **kwargs)
        if runner.iter == 8:
            raise Killed

    @contextlib.contextmanager
    def dies():
        with monkeypatch.context() as patch:
            patch.setattr(ProgressHook, 'after_train_iter', die)
            with pytest.raises(Killed):
                yield

    return dies


@pytest.mark.parametrize('method', METHODS)
def test_resumed_in_the_middle_it_ends_with_the_same_bytes(tmp_path, dying, method):
    def run(work_dir, **changes):
        config = config_of(work_dir, method=method, target_sparsity=0.75)
        config.default_hooks.checkpoint = {'type': 'CheckpointHook', 'interval': 4}
        config.default_hooks.checkpoint.by_epoch = False
        config.merge_from_dict(changes)
        search_by(config)

    run(tmp_path / 'whole')
    with dying():
        run(tmp_path / 'cut')
    run(tmp_path / 'cut', resume=True)
    assert ticket_bytes(tmp_path / 'cut') == ticket_bytes(tmp_path / 'whole')


def test_a_ticket_starts_from_the_weights_that_training_did(tmp_path):
    """Of weights that grew later, too, which the first mask had zeroed."""
    train_once(tmp_path / 'work', 'rigl')
    ticket = with_initial(ticket_of(tmp_path / 'work', 0), tmp_path / 'work/rewind.safetensors')
    for name, kept in ticket.mask.items():
        assert ticket.initial[name][kept].all()


def test_a_loop_without_epochs(tmp_path):
    config = toy_config(tmp_path / 'work', iterations=True)
    config.lottery = {'method': 'set', 'target_sparsity': 0.75}
    assert search_by(config)['rounds'][0]['kept'] == 76


def test_a_branch_trains_the_sparsities_of_the_tickets_from_the_same_start(searched, tmp_path):
    rounds = mmlth.branch(searched, GRADUAL)
    assert [entry['kept'] for entry in rounds] == [TOTAL, 152, 76]
    folder = searched / 'branches/gradual-every_2-end_12'
    assert record(folder)['config']['lottery']['method'] == GRADUAL
    # The same as if it had been trained by itself, from the same weights and data.
    train_once(tmp_path / 'alone', GRADUAL)
    alone, beside = ticket_of(tmp_path / 'alone', 0), ticket_of(folder, 2)
    assert alone.mask == beside.mask
    assert all(torch.equal(w, beside.weights[name]) for name, w in alone.weights.items())


def test_a_branch_of_one_ticket_of_other_sparsities_and_of_another_budget(searched):
    mmlth.branch(searched, 'ac_dc', tickets=[2], name='one')
    assert record(searched / 'branches/one')['schedule'] == [TOTAL, 76]
    mmlth.branch(searched, 'set', sparsities=[0.9], name='other')
    assert record(searched / 'branches/other')['schedule'] == [TOTAL, TOTAL - 274]
    mmlth.branch(searched, method='gradual', target_sparsity=0.9, name='by_key')
    assert record(searched / 'branches/by_key')['schedule'] == [TOTAL, TOTAL - 274]


def test_it_is_a_line_in_the_report_of_its_search(searched):
    mmlth.branch(searched, 'gradual', tickets=[2], name='line', label='once')
    page = write_report([searched])
    assert 'once' in page.with_suffix('.md').read_text()


def test_a_rewound_branch_begins_at_the_rewind_step(tmp_path):
    work_dir = tmp_path / 'work'
    search_by(config_of(work_dir, sparsities=[0.75], rewind='1ep'))
    mmlth.branch(work_dir, {'type': 'gradual', 'begin': 0, 'every': 2, 'end': 4})
    folder = next((work_dir / 'branches').iterdir())
    lines = [
        json.loads(line)
        for path in folder.glob('round_01/*/vis_data/scalars.json')
        for line in path.read_text().splitlines()
    ]
    sparsities = {line['step']: line['sparsity'] for line in lines if 'sparsity' in line}
    assert max(sparsities.values()) == pytest.approx(0.75, abs=1e-3)
    assert min(sparsities) > 6
    assert ticket_of(folder, 1).mask.kept == 76


@pytest.mark.parametrize(
    ('lottery', 'message'),
    [
        ({'rounds': 3}, "method='rigl' prunes while one training runs, but lottery.rounds=3 is of"),
        ({'rate': 0.2}, 'lottery.rate=0.2 is of rounds'),
        ({'sparsities': [0.5, 0.9]}, r'lottery.sparsities=\[0.5, 0.9\] is of rounds'),
        ({'distil': 0.5}, 'lottery.distil learns from a dense round, of which'),
        ({'early_bird': {}}, 'lottery.early_bird={} is of rounds'),
        ({'rewind_what': 'reinit', 'branch': {}}, "rewind_what='reinit' at new weights; leave one"),
        ({'rewind_what': 'nothing'}, "nothing is rewound, but lottery.rewind_what='nothing' is"),
        ({'rewind': '5ep'}, "nothing is rewound, but lottery.rewind='5ep' is asked for"),
        ({'floor': 0.2}, 'so that floor would change nothing'),
        ({'score': 'random'}, "the method 'rigl' does not prune by score, so that score would"),
        ({'pattern': 'kernel', 'budget': 'macs'}, 'pattern, budget would change nothing'),
        (
            {'method': 'gradual', 'score': 'snip'},
            "lottery.score='snip' needs more than",
        ),
        ({'method': 'dense'}, "lottery.method must be one of ac_dc, gradual, rigl, set, got 'dens"),
        ({'method': {'type': 'gradual', 'power': -1}}, "'gradual': power must be a positive"),
    ],
)
def test_keys_that_do_not_go_together(lottery, message):
    with pytest.raises(LotteryError, match=message):
        parse_settings({'method': 'rigl', **lottery})


def test_steps_that_do_not_fit_leave_nothing_behind(tmp_path):
    method = {'type': 'gradual', 'end': 100}
    with pytest.raises(LotteryError, match="method='gradual': end comes too late: of 18 iterat"):
        train_once(tmp_path / 'work', method)
    assert not (tmp_path / 'work/search.json').exists()


def test_what_was_trained_once_has_no_branches(tmp_path):
    train_once(tmp_path / 'work', 'gradual')
    with pytest.raises(LotteryError, match=r'was trained once by lottery\.method=.gradual., so'):
        mmlth.branch(tmp_path / 'work', 'random')
    with pytest.raises(LotteryError, match='a method trains the sparsities of the tickets, but of'):
        mmlth.branch(tmp_path / 'work', 'rigl')


def test_tickets_that_are_not_there(searched):
    with pytest.raises(LotteryError, match=r'but of rounds \[1, 2\] there is no round 7'):
        mmlth.branch(searched, 'gradual', tickets=[7], name='none')


def test_the_search_leaves_the_runner_as_one_that_has_trained(tmp_path):
    runner = Runner.from_cfg(config_of(tmp_path, method='gradual', target_sparsity=0.75))
    runner.train()
    weights = runner.model.state_dict()
    ticket = ticket_of(tmp_path, 0)
    assert all(torch.equal(weights[name], w) for name, w in ticket.state_dict().items())
    assert not attached_mask(runner.model)


class AtOnce(Gradual):
    """A method of a user: all is pruned after three iterations."""

    def __init__(self, after: int = 3) -> None:
        super().__init__(begin=after, end=after)


def test_a_method_of_ones_own(tmp_path):
    for place, spec in enumerate((AtOnce, f'{__name__}.AtOnce', {'type': AtOnce, 'after': 5})):
        state = train_once(tmp_path / str(place), spec)
        assert state['rounds'][0]['kept'] == 76
    assert state['config']['lottery']['method'] == {'type': f'{__name__}.AtOnce', 'after': 5}
    with pytest.raises(LotteryError, match='is no method: it needs updates'):
        parse_settings({'method': mmlth.prune})


@pytest.mark.parametrize('what', ['weights', 'learning_rate'])
def test_a_branch_starts_from_what_is_rewound(searched, what):
    """Pruned at once, the mask is that of the weights that training starts from."""
    method = {'type': 'gradual', 'begin': 0, 'end': 0}
    mmlth.branch(searched, method, tickets=[2], rewind_what=what, name=what)
    ticket = ticket_of(searched / 'branches' / what, 1)
    rewound = load_rewind_weights(searched / 'rewind.safetensors')
    weights = rewound if what == 'weights' else ticket_of(searched, 0).state_dict()
    expected = mmlth.prune({name: weights[name] for name in ticket.mask}, keep=76)
    assert ticket.mask == expected


def test_the_page_of_budgets_by_module(tmp_path):
    modules = {'conv': 0.75, 'depthwise': 0.5, 'fc': 0.5}
    search_by(config_of(tmp_path / 'work', method='gradual', allocation=modules))
    page = write_report([tmp_path / 'work']).with_suffix('.md').read_text()
    assert 'pruned while training by gradual to 67.8%' in page


def test_what_the_search_has_but_a_method_does_not_use_is_left_out_of_a_branch(tmp_path):
    work_dir = tmp_path / 'work'
    settings = {'allocation': 'erk', 'round_length': 0.5, 'early_bird': {'full_dense': True}}
    search_by(config_of(work_dir, sparsities=[0.5, 0.75], rewind='0', **settings))
    mmlth.branch(work_dir, 'rigl', tickets=[2, 1])
    assert [entry['kept'] for entry in record(work_dir / 'branches/rigl')['rounds']] == [
        TOTAL,
        152,
        76,
    ]


def test_a_branch_goes_on_though_its_search_has(tmp_path, dying):
    work_dir = tmp_path / 'work'
    settings = {'sparsities': [0.5, 0.75], 'rewind': '0', 'rounds_per_run': 2}
    search_by(config_of(work_dir, **settings))
    with dying():
        mmlth.branch(work_dir, 'set')
    config = config_of(work_dir, **settings)
    config.resume = True
    search_by(config)
    assert [entry['kept'] for entry in mmlth.branch(work_dir, 'set', resume=True)] == [TOTAL, 152]


def test_what_was_trained_once_is_not_trained_further(tmp_path):
    train_once(tmp_path / 'work', 'gradual')
    config = config_of(tmp_path / 'work', method='gradual', target_sparsity=0.9)
    config.resume = True
    with pytest.raises(LotteryError, match='has trained once is finished; train to another'):
        search_by(config)


def test_it_may_train_longer_than_its_schedule(tmp_path):
    """Bit for bit as a config of that length, whose schedule has its steps where these come."""
    stretched, longer = (config_of(tmp_path / name) for name in ('stretched', 'longer'))
    for config, length, milestone, epochs in ((stretched, 2, 2, 3), (longer, None, 4, 6)):
        config.lottery = {'method': GRADUAL, 'target_sparsity': 0.75, 'round_length': length}
        config.train_cfg.max_epochs = epochs
        config.param_scheduler = [
            {'type': 'MultiStepLR', 'by_epoch': True, 'milestones': [milestone]}
        ]
    (round_,) = search_by(stretched)['rounds']
    assert (round_['iter'], round_['epoch'], round_['iterations']) == (36, 6, 36)
    search_by(longer)
    first, second = (ticket_of(tmp_path / name, 0) for name in ('stretched', 'longer'))
    assert first.mask == second.mask
    assert all(torch.equal(first.weights[name], second.weights[name]) for name in first.weights)


@pytest.mark.parametrize(
    ('length', 'by_iterations', 'end'),
    [(1.5, False, 24), (0.67, False, 12), ('2ep', False, 12), (1.5, True, 27)],
)
def test_one_of_another_length_goes_on_where_it_was_killed(
    tmp_path, dying, length, by_iterations, end
):
    def run(name, resume=False):
        config = toy_config(tmp_path / name, iterations=by_iterations)
        config.lottery = {'method': 'gradual', 'round_length': length}
        config.resume = resume
        return search_by(config)

    run('whole')
    with dying():
        run('killed')
    run('killed', resume=True)
    assert ticket_bytes(tmp_path / 'killed') == ticket_bytes(tmp_path / 'whole')
    lengths = [record(tmp_path / name)['rounds'][0]['iter'] for name in ('whole', 'killed')]
    assert lengths == [end, end]


def test_a_length_is_one_of_a_training_or_a_branch(searched):
    assert parse_settings({'method': 'gradual', 'round_length': 1.5}).round_length == 1.5
    with pytest.raises(LotteryError, match=r'is of rounds; keep one'):
        mmlth.branch(searched, 'gradual', round_length=0.5)
    with pytest.raises(LotteryError, match=r'above 0, or a step'):
        parse_settings({'method': 'gradual', 'round_length': -1})
