"""Branches: controls of a finished search, and other settings, without its dense round."""

import json
import shutil

import pytest
import spy
import torch
from kit import masks_of, record, ticket_of
from mmengine.runner import Runner
from toy import ITERATIONS_PER_EPOCH, ToyDataset, toy_config

import mmlth
from mmlth import LotteryError
from mmlth.engine.training import scale_schedule
from mmlth.ticket import load_rewind_weights

dense = {}
"""What the dense round was seen in before each iteration."""


@pytest.fixture(scope='module')
def trunk(tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('trunk')
    config = toy_config(work_dir)
    config.custom_hooks = [{'type': 'SpyHook'}]
    spy.records.clear()
    Runner.from_cfg(config).train()
    dense.update(spy.records['round_00'])
    return work_dir


def files(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob('*')
        if path.is_file() and 'branches' not in path.parts
    }


def branch(trunk, *args, **kwargs):
    spy.records.clear()
    rounds = mmlth.branch(trunk, *args, **kwargs)
    name = kwargs.get('name') or next(iter(sorted(trunk.glob('branches/*')))).name
    return trunk / 'branches' / name, rounds


@pytest.fixture(autouse=True)
def _without_branches(trunk):
    yield
    shutil.rmtree(trunk / 'branches', ignore_errors=True)


MASK_CONTROLS = ['random', 'random_layerwise', 'permuted', 'complement', 'noise']


@pytest.mark.parametrize('control', MASK_CONTROLS)
def test_a_control_trains_another_mask_from_the_same_weights(trunk, control):
    before = files(trunk)
    folder, rounds = branch(trunk, control)
    assert files(trunk) == before  # nothing of the search is touched, nothing trained again
    assert not (folder / 'round_00').exists()
    assert rounds[0]['metrics'] == record(trunk)['rounds'][0]['metrics']
    source = masks_of(trunk)
    theta = load_rewind_weights(trunk / 'rewind.safetensors')
    first, second = masks_of(folder)[1:]
    if control in ('random', 'random_layerwise', 'permuted'):
        assert second.issubset(first)
    for index in (1, 2):
        assert rounds[index]['of_round'] == index
        mask, own = ticket_of(folder, index).mask, source[index]
        assert mask != own
        if control == 'complement':
            assert all(torch.equal(mask[name], ~own[name]) for name in own)
        else:
            assert mask.kept == own.kept
        if control in ('random_layerwise', 'permuted', 'noise'):
            assert all(mask[n].count_nonzero() == own[n].count_nonzero() for n in own)
        if control == 'noise':
            for name in own:
                flipped = (mask[name] != own[name]).count_nonzero()
                assert flipped == 2 * min(
                    round(0.1 * int(own[name].count_nonzero())),
                    int((~own[name]).count_nonzero()),
                )
        seen = spy.records[f'round_{index:02d}']
        assert min(seen) == ITERATIONS_PER_EPOCH
        for name, kept in mask.items():
            start = torch.where(kept, theta[name], 0)
            assert torch.equal(seen[ITERATIONS_PER_EPOCH]['weights'][name], start), name
            ended = ticket_of(folder, index).state_dict()[name]
            assert not ended[~kept].any()


def test_same_seed_same_mask_other_seed_other_mask(trunk):
    masks = {}
    for name, seed in (('a', 0), ('b', 0), ('c', 1)):
        folder, _ = branch(trunk, 'random', name=name, seed=seed, tickets=[2])
        masks[name] = masks_of(folder)[1]
    assert masks['a'] == masks['b'] != masks['c']


def test_reinit_keeps_the_mask_and_starts_from_new_weights(trunk):
    folder, rounds = branch(trunk, 'reinit', tickets=[2])
    assert len(rounds) == 2
    mask = ticket_of(folder, 1).mask
    assert mask == ticket_of(trunk, 2).mask
    seen = spy.records['round_01']
    assert min(seen) == 0
    new, kept = seen[0]['weights']['conv.weight'], mask['conv.weight']
    assert not new[~kept].any()
    assert not (new == dense[0]['weights']['conv.weight'])[kept].any()


def test_reinit_of_the_dense_round_is_a_dense_model_from_scratch(trunk):
    spy.records.clear()
    folder, rounds = branch(trunk, 'reinit', tickets=[0, 1], name='scratch')
    assert [round_['of_round'] for round_ in rounds[1:]] == [0, 1]
    assert ticket_of(folder, 1).mask.sparsity == 0 < ticket_of(folder, 2).mask.sparsity
    start, under_mask = (spy.records[f'round_0{i}'][0]['weights'] for i in (1, 2))
    assert min(spy.records['round_01']) == 0
    for name, kept in ticket_of(folder, 2).mask.items():  # the same new weights, all of them
        assert torch.equal(under_mask[name], torch.where(kept, start[name], 0))
        assert not (start[name] == dense[0]['weights'][name]).any()


def test_another_data_order_changes_nothing_but_the_batches(trunk):
    spy.records.clear()
    mmlth.branch(trunk, rewind_what='weights', target_sparsity=0.5, rounds=1, name='same')
    same = spy.records['round_01'][ITERATIONS_PER_EPOCH]
    folder, _ = branch(trunk, 'data_order', tickets=[1], name='order')
    other = spy.records['round_01'][ITERATIONS_PER_EPOCH]
    for name, weight in same['weights'].items():
        assert torch.equal(weight, other['weights'][name])
    assert not torch.equal(same['generator'], other['generator'])  # of augmentations and dropout
    images = [
        {
            int((ToyDataset().images - image).abs().sum((1, 2, 3)).argmin())
            for image in seen['batch']
        }
        for seen in (same, other)
    ]
    assert images[0] != images[1]
    trained = ticket_of(folder, 1)
    source = ticket_of(trunk, 1)
    assert trained.mask == source.mask
    assert not torch.equal(trained.state_dict()['conv.weight'], source.state_dict()['conv.weight'])


def test_dense_trained_as_long_as_the_whole_search(trunk):
    _, rounds = branch(trunk, 'long_dense')
    assert len(rounds) == 2
    assert rounds[1]['sparsity'] == 0
    # 3 epochs, then twice those after the rewind step at the end of the first.
    assert max(spy.records['round_01']) + 1 == 7 * ITERATIONS_PER_EPOCH
    assert min(spy.records['round_01']) == 0


def test_dense_trained_on_the_schedule_stretched(trunk, capsys):
    told = {'log_level': 'INFO'}
    folder, _ = branch(trunk, 'long_dense', name='twice', length=2, cfg_options=told)
    printed = ' '.join(capsys.readouterr().out.split())
    assert 'long_dense' in printed
    assert 'changes nothing' not in printed
    assert max(spy.records['round_01']) + 1 == 2 * 3 * ITERATIONS_PER_EPOCH
    assert record(folder)['branch']['length'] == 2
    with pytest.raises(LotteryError, match="control 'permuted' trains in full"):
        branch(trunk, 'permuted', name='long', length=2)


def test_other_settings_share_the_dense_round(trunk):
    folder, rounds = branch(trunk, rewind_what='learning_rate')
    assert folder.name == 'rewind_what_learning_rate'
    source = record(trunk)['rounds']
    own = masks_of(folder)
    assert own[1] == ticket_of(trunk, 1).mask
    assert own[2].issubset(own[1])
    assert [entry['kept'] for entry in rounds] == [entry['kept'] for entry in source]
    dense = ticket_of(trunk, 0).state_dict()['conv.weight']
    start = spy.records['round_01'][ITERATIONS_PER_EPOCH]['weights']['conv.weight']
    assert torch.equal(start, torch.where(own[1]['conv.weight'], dense, 0))


def test_one_shot_is_a_branch(trunk):
    folder, rounds = branch(trunk, rounds=1)
    assert len(rounds) == 2
    dense = ticket_of(trunk, 0)
    mask = mmlth.prune({n: dense.weights[n] for n in dense.mask}, sparsity=0.75)
    assert ticket_of(folder, 1).mask == mask


def test_a_branch_resumes_and_moves_with_its_search(trunk, tmp_path):
    whole, _ = branch(trunk, 'permuted', name='whole')
    shutil.copytree(trunk, tmp_path / 'moved')
    moved = tmp_path / 'moved'
    state = record(moved / 'branches/whole')
    state['rounds'].pop()
    (moved / 'branches/whole/search.json').write_text(json.dumps(state))
    (moved / 'branches/whole/tickets/round_02.safetensors').unlink()
    with pytest.raises(LotteryError, match='--resume'):
        mmlth.branch(moved, 'permuted', name='whole')
    mmlth.branch(moved, 'permuted', name='whole', resume=True)
    ticket = 'tickets/round_02.safetensors'
    assert (moved / 'branches/whole' / ticket).read_bytes() == (whole / ticket).read_bytes()


def test_overwriting_a_branch_leaves_the_search(trunk):
    branch(trunk, 'random', tickets=[1])
    before = files(trunk)
    branch(trunk, 'random', tickets=[2], overwrite=True)
    assert files(trunk) == before


def test_a_control_of_ones_own_from_config(trunk):
    from mmlth.engine.registry import CONTROLS

    @CONTROLS.register_module(name='first_rows', force=True)
    def first_rows(mask, generator, rows=1):
        return mmlth.Mask(
            {
                n: torch.zeros_like(kept).index_fill(0, torch.arange(rows), True)
                for n, kept in mask.items()
            }
        )

    try:
        folder, _ = branch(trunk, {'type': 'first_rows', 'rows': 2}, tickets=[1])
    finally:
        CONTROLS.module_dict.pop('first_rows')
    assert folder.name == 'first_rows-rows_2'
    assert masks_of(folder)[1]['fc.weight'].tolist() == [[True] * 8] * 2


@pytest.mark.parametrize(
    ('control', 'changes', 'message'),
    [
        ('rand', {}, "must be one of .*random.*, got 'rand'"),
        (None, {}, 'needs a control, or settings'),
        ('random', {'tickets': [7]}, 'asks for round 7, but .* has done rounds 1 to 2'),
        ('random', {'tickets': [0]}, 'tickets must be a whole number of at least 1, got 0'),
        ('reinit', {'tickets': [-1]}, 'tickets must be a whole number of at least 0, got -1'),
        ({'type': 'noise', 'part': 1}, {}, "no option 'part'; it has share, matched"),
        ({'type': 'noise', 'share': 2}, {}, 'must lie in'),
        ('random', {'rewind_what': 'nothing'}, 'changes nothing else.*rewind_what'),
        (None, {'rewind': '2ep'}, 'shares the dense round.*lottery.rewind: '),
        ('random', {'cfg_options': {'train_cfg.max_epochs': 4}}, 'max_epochs'),
    ],
)
def test_one_line_says_what_is_wrong(trunk, control, changes, message):
    with pytest.raises(LotteryError, match=message) as error:
        mmlth.branch(trunk, control, **changes)
    assert '\n' not in str(error.value)


def test_no_search_no_branch(tmp_path):
    with pytest.raises(LotteryError, match='holds no search'):
        mmlth.branch(tmp_path, 'random')
    config = toy_config(tmp_path)
    config.lottery.branch = {'control': 'random'}
    with pytest.raises(LotteryError, match='SEARCH/branches/NAME'):
        Runner.from_cfg(config).train()


def test_a_stretched_schedule_keeps_its_warmup_and_its_shape(tmp_path):
    config = toy_config(tmp_path)
    config.param_scheduler = [
        {'type': 'LinearLR', 'start_factor': 0.1, 'by_epoch': False, 'begin': 0, 'end': 4},
        {'type': 'MultiStepLR', 'begin': 0, 'end': 12, 'milestones': [8, 11], 'by_epoch': True},
        {'type': 'CosineAnnealingLR', 'begin': 6, 'end': 12, 'T_max': 6, 'by_epoch': True},
    ]
    config.train_cfg.dynamic_intervals = [(2, 1)]
    config.custom_hooks = [{'type': 'PipelineSwitchHook', 'switch_epoch': 2}]
    longer = scale_schedule(config, 3)
    assert longer.train_cfg.max_epochs == 9
    assert longer.train_cfg.dynamic_intervals == [(6, 1)]
    assert longer.custom_hooks[0].switch_epoch == 6
    warm, steps, cosine = longer.param_scheduler
    assert warm == config.param_scheduler[0]
    assert (steps['milestones'], steps['end']) == ([24, 33], 36)
    assert (cosine['begin'], cosine['end'], cosine['T_max']) == (18, 36, 18)
    assert config.train_cfg.max_epochs == 3


def test_a_control_gets_the_tickets_of_a_search_that_went_on(tmp_path):
    config = toy_config(tmp_path)
    Runner.from_cfg(config).train()
    mmlth.branch(tmp_path, 'permuted', name='all')
    mmlth.branch(tmp_path, 'permuted', name='one', tickets=[2])
    done = (tmp_path / 'branches/all/tickets/round_02.safetensors').read_bytes()
    longer = toy_config(tmp_path, resume=True)
    longer.lottery.update(target_sparsity=0.9, rounds=3)
    Runner.from_cfg(longer).train()
    assert [
        e['of_round'] for e in mmlth.branch(tmp_path, 'permuted', name='all', resume=True)[1:]
    ] == [1, 2, 3]
    assert (tmp_path / 'branches/all/tickets/round_02.safetensors').read_bytes() == done
    rounds = mmlth.branch(tmp_path, 'permuted', name='one', tickets=[1, 2], resume=True)
    assert [entry['of_round'] for entry in rounds[1:]] == [2, 1]
    folder = tmp_path / 'branches/one'
    assert ticket_of(folder, 2).mask.kept == rounds[2]['kept'] == 152


def test_controls_of_an_unfinished_search_say_that_they_are_of_a_part(tmp_path, capsys):
    search = toy_config(tmp_path)
    search.lottery.update(rounds_per_run=2)
    Runner.from_cfg(search).train()
    part = '2 of 3 rounds of'
    for control, what in (('permuted', 'gets their tickets'), ('long_dense', 'as long as these')):
        capsys.readouterr()
        assert len(mmlth.branch(tmp_path, control)) == 2
        told = ' '.join(capsys.readouterr().out.split())
        assert part in told
        assert what in told
    mmlth.branch(tmp_path, 'permuted', tickets=[1], name='chosen')
    assert part not in ' '.join(capsys.readouterr().out.split())
    mmlth.branch(tmp_path, 'permuted', resume=True)
    assert part in ' '.join(capsys.readouterr().out.split())


def test_branches_of_a_search_that_rewinds_to_its_best_weights(tmp_path):
    changes = {'default_hooks.checkpoint.save_best': 'toy/accuracy'}
    search = toy_config(tmp_path, **changes, **{'default_hooks.checkpoint.rule': 'less'})
    search.lottery.update(rewind='best', rounds=1)
    search.custom_hooks = [{'type': 'SpyHook'}]
    Runner.from_cfg(search).train()
    folder, _ = branch(tmp_path, rewind_what='learning_rate', name='as_trained')
    mask = ticket_of(folder, 1).mask
    dense = ticket_of(tmp_path, 0).weights
    start = spy.records['round_01'][0]  # of the whole schedule
    for name, kept in mask.items():
        assert torch.equal(start['weights'][name], torch.where(kept, dense[name], 0)), name
    assert not start['optimizer']['state']
    branch(tmp_path, rewind_what='reinit', name='new')
    assert min(spy.records['round_01']) == 0
    with pytest.raises(LotteryError, match='is no step of the schedule'):
        mmlth.branch(tmp_path, rewind_what='nothing')


def test_controls_start_as_the_rounds_of_their_search_do(tmp_path):
    search = toy_config(tmp_path)
    search.lottery.update(rewind_what='learning_rate')
    search.custom_hooks = [{'type': 'SpyHook'}]
    Runner.from_cfg(search).train()
    folder, _ = branch(tmp_path, 'complement', tickets=[2])
    kept = ticket_of(folder, 1).mask
    before = ticket_of(tmp_path, 1)
    dense = ticket_of(tmp_path, 0)
    start = spy.records['round_01'][ITERATIONS_PER_EPOCH]['weights']
    for name, mask in kept.items():
        trained = torch.where(before.mask[name], before.weights[name], dense.weights[name])
        assert torch.equal(start[name], torch.where(mask, trained, 0)), name


def test_controls_of_a_search_with_new_weights_have_new_weights(tmp_path):
    search = toy_config(tmp_path)
    search.lottery.update(rewind_what='reinit')
    search.custom_hooks = [{'type': 'SpyHook'}]
    spy.records.clear()
    Runner.from_cfg(search).train()
    theirs = spy.records['round_02'][0]['weights']
    folder, _ = branch(tmp_path, 'permuted', tickets=[2])
    mask = ticket_of(folder, 1).mask
    source = ticket_of(tmp_path, 2).mask
    start = spy.records['round_01'][0]['weights']
    for name, kept in mask.items():  # the same new weights under another mask
        both = kept & source[name]
        assert torch.equal(start[name][both], theirs[name][both]), name
        assert not start[name][~kept].any()
    with pytest.raises(LotteryError, match='compare it with'):
        mmlth.branch(tmp_path, 'data_order')
