"""The search as a whole: files, masks, resuming, tickets in stock models."""

import itertools
import json
import shutil

import pytest
import torch
from kit import csv_rows, masks_of, record, ticket_of, tickets_of
from mmengine.hooks import Hook
from mmengine.registry import HOOKS, MODELS
from mmengine.runner import Runner
from pages import whole_reports
from toy import toy_config

import mmlth.report.searches
import mmlth.report.writing
from mmlth import load_ticket
from mmlth.engine.hooks import ProgressHook
from mmlth.engine.masking import targets
from mmlth.pruning import revived


def run(work_dir, resume=False, hooks=(), **lottery):
    config = toy_config(work_dir, resume=resume)
    config.lottery.update(lottery)
    if hooks:
        config.custom_hooks = list(hooks)
    runner = Runner.from_cfg(config)
    runner.train()
    return runner, record(work_dir)


@pytest.fixture(scope='module')
def finished(tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('search')
    with whole_reports():
        runner, state = run(work_dir)
    return work_dir, runner, state


def test_work_dir_holds_what_the_design_lists(finished):
    work_dir, _, state = finished
    for name in (
        'search.json',
        'rewind.safetensors',
        'round_00/last_checkpoint',
        'round_02/epoch_3.pth',
        'tickets/round_00.safetensors',
        'tickets/round_02.safetensors',
        'report/results.csv',
        'report/accuracy.png',
        'report/report.html',
    ):
        assert (work_dir / name).is_file(), name
    assert list((work_dir / 'round_01').glob('*/vis_data/scalars.json'))
    assert not list(work_dir.rglob('.*'))  # no temporary files
    rows = csv_rows(work_dir / 'report/results.csv')
    assert [row['round'] for row in rows] == ['0', '1', '2']
    assert list(rows[0]) == ['round', 'sparsity', 'network_sparsity', 'toy/accuracy', 'seconds']
    assert float(rows[2]['toy/accuracy']) == state['rounds'][2]['metrics']['toy/accuracy']


def test_masks_nest_and_counts_are_exact(finished):
    work_dir, _, state = finished
    tickets = tickets_of(work_dir)
    prunable = 8 * 3 * 9 + 8 * 9 + 16
    assert [ticket.mask.kept for ticket in tickets] == [prunable, prunable // 2, prunable // 4]
    assert all(new.mask.issubset(old.mask) for old, new in itertools.pairwise(tickets))
    parameters = prunable + 8 + 8 + 8 + 8 + 2
    assert state['rounds'][2]['sparsity'] == 0.75
    assert state['rounds'][2]['network_sparsity'] == 0.75 * prunable / parameters
    # Each mask keeps the largest of the weights that the round before ended with.
    before, after = tickets[0], tickets[1]
    magnitude = torch.cat([w.abs().view(-1) for w in (before.weights[n] for n in after.mask)])
    kept = torch.cat([kept.view(-1) for kept in after.mask.values()])
    assert magnitude[kept].min() >= magnitude[~kept].max()


def test_pruned_weights_are_zero_in_every_file(finished):
    work_dir, _, _ = finished
    mask = ticket_of(work_dir, 2).mask
    for path in sorted((work_dir / 'round_02').glob('epoch_*.pth')):
        checkpoint = torch.load(path, weights_only=False)
        moments = checkpoint['optimizer']['state']
        for index, (name, kept) in enumerate(
            (n, mask.get(n))
            for n in checkpoint['state_dict']
            if 'running' not in n and 'num' not in n
        ):
            if kept is not None:
                assert not checkpoint['state_dict'][name][~kept].any()
                assert not moments[index]['momentum_buffer'][~kept].any()


def test_a_ticket_loads_into_the_stock_model_with_identical_predictions(finished):
    work_dir, runner, _ = finished
    ticket = ticket_of(work_dir, 2)
    stock = MODELS.build({'type': 'ToyModel'})
    stock.load_state_dict(ticket.state_dict())  # strict: the same keys and shapes
    saved = torch.load(work_dir / 'round_02/epoch_3.pth', weights_only=False)['state_dict']
    assert list(ticket.state_dict()) == list(saved)
    images = torch.randn(4, 3, 6, 6)
    model = MODELS.build({'type': 'ToyModel'})
    model.load_state_dict(saved)
    predictions = [m.eval()(images) for m in (stock, model, runner.model)]
    assert torch.equal(predictions[0], predictions[1])
    assert torch.equal(predictions[0], predictions[2])


def test_metrics_are_those_of_the_ticket(finished):
    work_dir, _, state = finished
    config = toy_config(work_dir / 'val')
    config.pop('lottery')
    for entry in state['rounds']:
        config.work_dir = str(work_dir / 'val')
        config.experiment_name = f'val_{entry["round"]}'
        runner = Runner.from_cfg(config)
        runner.model.load_state_dict(load_ticket(work_dir / entry['ticket']).state_dict())
        assert runner.val() == entry['metrics']


def test_two_equal_searches_give_equal_tickets(finished, tmp_path):
    work_dir, _, state = finished
    run(tmp_path)
    for entry in state['rounds']:
        assert (work_dir / entry['ticket']).read_bytes() == (
            tmp_path / entry['ticket']
        ).read_bytes()


class Killed(BaseException):
    """Stands for a signal: nothing catches it."""


@pytest.mark.parametrize('by_epoch', [True, False])
@pytest.mark.parametrize(
    ('round_name', 'iteration'),
    [('round_00', 3), ('round_00', 14), ('round_01', 15), ('round_02', 12)],
)
def test_an_interrupted_search_continues_to_the_same_tickets(
    finished, tmp_path, monkeypatch, round_name, iteration, by_epoch
):
    work_dir, _, state = finished
    # By iteration, checkpoints fall into epochs (4, 8, 16) and on their ends (12).
    checkpoint = {'by_epoch': by_epoch, 'interval': 1 if by_epoch else 4}

    def kill(hook, runner, batch_idx, data_batch=None):
        if (runner.work_dir.rsplit('/', 1)[-1], runner.iter) == (round_name, iteration):
            raise Killed

    config = toy_config(tmp_path)
    config.default_hooks.checkpoint.update(checkpoint)
    monkeypatch.setattr(ProgressHook, 'before_train_iter', kill)
    with pytest.raises(Killed):
        Runner.from_cfg(config).train()
    monkeypatch.undo()
    moved = tmp_path.with_name(tmp_path.name + '_moved')
    tmp_path.rename(moved)
    config = toy_config(moved)
    config.default_hooks.checkpoint.update(checkpoint)
    config.resume = True
    Runner.from_cfg(config).train()
    for entry in state['rounds']:
        ours, theirs = load_ticket(moved / entry['ticket']), load_ticket(work_dir / entry['ticket'])
        assert ours.info == theirs.info
        assert (moved / entry['ticket']).read_bytes() == (work_dir / entry['ticket']).read_bytes()


def test_a_finished_search_is_not_trained_again(finished, capsys):
    work_dir, _, before = finished
    files = {p: p.stat().st_mtime_ns for p in work_dir.glob('round_*/*.pth')}
    _, after = run(work_dir, resume=True)
    assert before == after
    assert files == {p: p.stat().st_mtime_ns for p in work_dir.glob('round_*/*.pth')}
    assert 'sparsity' in capsys.readouterr().out  # the table is shown again


def test_a_rewind_file_that_was_changed_is_refused(finished, tmp_path):
    work_dir, _, state = finished
    shutil.copytree(work_dir, tmp_path, dirs_exist_ok=True)
    state = {**state, 'rounds': state['rounds'][:2]}  # the last round is still to come
    (tmp_path / 'search.json').write_text(json.dumps(state))
    rewind = tmp_path / 'rewind.safetensors'
    rewind.write_bytes(rewind.read_bytes()[:-1] + b'!')
    with pytest.raises(ValueError, match='is not the file that round 0 wrote'):
        run(tmp_path, resume=True)


def test_each_start_looks_for_prunable_weights_once(tmp_path, monkeypatch):
    calls, find_targets = [], targets.find_targets

    def counting(*args, **kwargs):
        calls.append(args)
        return find_targets(*args, **kwargs)

    monkeypatch.setattr(targets, 'find_targets', counting)
    for starts, resume in ((1, False), (2, True)):
        run(tmp_path, resume, rounds=1, target_sparsity=0.5)
        assert len(calls) == starts


def test_overwrite_starts_anew(finished, tmp_path):
    run(tmp_path, rounds=1)
    (tmp_path / 'mine.txt').write_text('keep')
    _, state = run(tmp_path, rounds=2, overwrite=True)
    assert len(state['rounds']) == 3
    assert (tmp_path / 'mine.txt').exists()


def test_state_of_other_rounds_stays_out(tmp_path):
    """CheckpointHook's best score and EarlyStoppingHook's patience start anew each round."""
    config = toy_config(tmp_path)
    config.default_hooks.checkpoint.update(save_best='toy/accuracy', rule='greater')
    config.custom_hooks = [{'type': 'EarlyStoppingHook', 'monitor': 'toy/accuracy', 'patience': 9}]
    Runner.from_cfg(config).train()
    for index in range(3):
        assert len(list((tmp_path / f'round_{index:02d}').glob('best_*.pth'))) == 1


def test_early_stopping_before_the_rewind_step_is_an_error(tmp_path):
    stop = {
        'type': 'EarlyStoppingHook',
        'monitor': 'toy/accuracy',
        'stopping_threshold': 0.0,
    }
    with pytest.raises(ValueError, match='before the rewind step'):
        run(tmp_path, hooks=[stop], rewind='2ep')


@HOOKS.register_module(force=True)
class MischiefHook(Hook):
    """Moves a pruned weight after the optimizer's step, as an unusual optimizer would."""

    priority = 'HIGHEST'

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        with torch.no_grad():
            runner.model.conv.weight += 0.01


def test_revived_weights_are_zeroed(tmp_path):
    _, state = run(tmp_path, hooks=[{'type': 'MischiefHook'}])
    for entry in state['rounds'][1:]:
        ticket = load_ticket(tmp_path / entry['ticket'])
        assert not ticket.weights['conv.weight'][~ticket.mask['conv.weight']].any()


def test_without_validation_the_loss_tells_the_rounds_apart(tmp_path):
    config = toy_config(tmp_path)
    for key in ('val_dataloader', 'val_cfg', 'val_evaluator'):
        config.pop(key)
    runner = Runner.from_cfg(config)
    runner.train()
    state = record(tmp_path)
    assert [list(entry['metrics']) for entry in state['rounds']] == [['train_loss']] * 3
    assert revived(runner.model) == []


def test_a_search_from_before_a_key_existed_goes_on(tmp_path):
    _, before = run(tmp_path)
    del before['config']['lottery']['after_rewind']  # as if written when there was no such key
    del before['rounds'][2]
    (tmp_path / 'search.json').write_text(json.dumps(before))
    _, after = run(tmp_path, resume=True)
    assert len(after['rounds']) == 3
    before['config']['lottery']['after_rewind'] = 'full'
    (tmp_path / 'search.json').write_text(json.dumps(before))
    with pytest.raises(ValueError, match="after_rewind: 'full' → 'continue'"):
        run(tmp_path, resume=True)


def test_a_round_that_is_resumed_keeps_its_mask_though_its_score_draws_lots(tmp_path):
    from mmlth.engine.registry import SCORES

    @SCORES.register_module(name='lots', force=True)
    def lots(inputs):
        return {name: torch.rand(weight.shape) for name, weight in inputs.weights.items()}

    try:
        run(tmp_path / 'whole', score='lots')
        run(tmp_path / 'parts', score='lots', rounds_per_run=1)
        torch.rand(7)
        run(tmp_path / 'parts', resume=True, score='lots')
    finally:
        SCORES.module_dict.pop('lots')
    assert masks_of(tmp_path / 'whole') == masks_of(tmp_path / 'parts')


def test_a_search_goes_on_though_its_report_cannot_be_renewed(tmp_path, monkeypatch):
    written = []

    def fail(work_dirs, *arguments):
        written.append(len(mmlth.report.searches.read_rounds(work_dirs[0])))
        raise RuntimeError('no font')

    monkeypatch.setattr(mmlth.report.writing, 'write_report', fail)
    runner, state = run(tmp_path)
    assert written == [1, 2, 3]
    assert len(state['rounds']) == 3
    ticket = ticket_of(tmp_path, 2)
    assert torch.equal(runner.model.fc.weight, ticket.weights['fc.weight'])
    log = ' '.join(path.read_text() for path in tmp_path.rglob('*.log'))
    assert f'{tmp_path / "report"} is not renewed: RuntimeError: no font' in log


def test_a_search_that_was_killed_before_its_last_report_writes_it(tmp_path, monkeypatch):
    run(tmp_path)
    shutil.rmtree(tmp_path / 'report')
    run(tmp_path, resume=True)
    assert (tmp_path / 'report/results.csv').exists()
