"""Tickets beside, and in place of, MMEngine's checkpoints."""

import json
from pathlib import Path

import pytest
import torch
from kit import record, ticket_of
from mmengine.evaluator import BaseMetric
from mmengine.registry import METRICS
from mmengine.runner import Runner
from toy import toy_config

from mmlth import Mask, Ticket, load_ticket, save_ticket
from mmlth.engine import LotteryError
from mmlth.engine.hooks import TicketSaver

BEST = {'save_best': 'toy/accuracy', 'rule': 'greater', 'max_keep_ckpts': 2}
EMA = {'type': 'EMAHook', 'momentum': 0.3}


def search(work_dir, checkpoints, **checkpoint):
    config = toy_config(work_dir, custom_hooks=[EMA], lottery={'checkpoints': checkpoints})
    config.lottery.rounds = 1
    config.default_hooks.checkpoint.update(BEST, **checkpoint)
    Runner.from_cfg(config).train()
    return work_dir


def names(folder, suffix):
    return sorted(path.stem for path in folder.glob(f'*.{suffix}'))


def test_both(tmp_path):
    work_dir = search(tmp_path / 'both', 'both')
    for folder in (work_dir / 'round_00', work_dir / 'round_01'):
        assert names(folder, 'safetensors') == names(folder, 'pth')
        assert len([name for name in names(folder, 'pth') if name.startswith('best_')]) == 1
        assert [n for n in names(folder, 'pth') if n.startswith('epoch')] == ['epoch_2', 'epoch_3']
        for name in names(folder, 'pth'):
            # The averages, for they are what MMEngine saves as the model.
            saved = torch.load(folder / f'{name}.pth', weights_only=False)['state_dict']
            ticket = load_ticket(folder / f'{name}.safetensors')
            assert all(torch.equal(ticket.weights[key], saved[key]) for key in saved)
    ticket = load_ticket(work_dir / 'round_01/epoch_3.safetensors')
    assert ticket.mask == ticket_of(work_dir, 1).mask
    assert ticket.mask.sparsity == pytest.approx(0.75, abs=0.01)
    assert (ticket.info['round'], ticket.info['epoch']) == (1, 3)
    assert ticket.info['dataset_meta'] == {'classes': ('dark', 'bright')}
    assert load_ticket(work_dir / 'round_00/epoch_3.safetensors').mask.sparsity == 0


def test_tickets_alone_and_still_resumable(tmp_path):
    whole = search(tmp_path / 'whole', 'mmengine')
    work_dir = search(tmp_path / 'tickets', 'tickets')
    for folder in (work_dir / 'round_00', work_dir / 'round_01'):
        assert names(folder, 'pth') == ['epoch_3']  # what resuming needs
        assert names(folder, 'safetensors')[1:] == ['epoch_2', 'epoch_3']
        assert names(folder, 'safetensors')[0].startswith('best_toy_accuracy_epoch_')
    for index in (0, 1):
        name = f'tickets/round_0{index}.safetensors'
        assert (work_dir / name).read_bytes() == (whole / name).read_bytes()
    # What files are written does not decide the result, so a search continues either way.
    state = record(work_dir)
    expected = (work_dir / 'tickets/round_01.safetensors').read_bytes()
    state['rounds'].pop()
    (work_dir / 'search.json').write_text(json.dumps(state))
    (work_dir / 'tickets/round_01.safetensors').unlink()
    config = toy_config(work_dir, custom_hooks=[EMA], resume=True)
    config.lottery.rounds = 1
    config.default_hooks.checkpoint.update(BEST)
    Runner.from_cfg(config).train()
    assert (work_dir / 'tickets/round_01.safetensors').read_bytes() == expected


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'published_keys': ['state_dict']}, 'published_keys need checkpoints'),
        ({'out_dir': 's3://bucket/'}, 'tickets are written to local folders'),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, changes, message):
    with pytest.raises(LotteryError, match=message):
        training(tmp_path / 'work', 'tickets', **changes).train()


def test_unknown_choices_are_refused(tmp_path):
    with pytest.raises(LotteryError, match='checkpoints must be one of both, mmengine, tickets'):
        Runner.from_cfg(toy_config(tmp_path, lottery={'checkpoints': 'all'}))


def test_a_saver_needs_a_mask(tmp_path):
    config = toy_config(tmp_path, custom_hooks=[{'type': 'mmlth.TicketSaver'}])
    config.pop('lottery')
    with pytest.raises(LotteryError, match=r'found no mask.*MaskHook'):
        Runner.from_cfg(config).train()


@METRICS.register_module(force=True)
class GivenScores(BaseMetric):
    """Scores that are given, one for each validation."""

    def __init__(self, **scores):
        super().__init__()
        self.scores = {name: iter(values) for name, values in scores.items()}

    def process(self, data_batch, data_samples):
        self.results.append(0)

    def compute_metrics(self, results):
        return {name: next(values) for name, values in self.scores.items()}


def training(work_dir, checkpoints, scores=None, iterations=False, changes=None, **checkpoint):
    """An ordinary training under a mask; ``a`` improves with each validation, ``b`` never."""
    ticket = work_dir.with_name('start.safetensors')
    kept = torch.rand(8, 3, 3, 3, generator=torch.Generator().manual_seed(0)) < 0.5
    save_ticket(Ticket(Mask({'conv.weight': kept}), None), ticket)
    config = toy_config(work_dir, iterations, **(changes or {}))
    config.pop('lottery')
    config.val_evaluator = {'type': 'GivenScores', **(scores or {'a': [1, 2, 3], 'b': [3, 2, 1]})}
    config.custom_hooks = [
        {'type': 'mmlth.MaskHook', 'mask': str(ticket)},
        {'type': 'mmlth.TicketSaver', 'checkpoints': checkpoints},
    ]
    config.default_hooks.checkpoint.update({'rule': 'greater', **checkpoint})
    return Runner.from_cfg(config)


MINE = {'pth': ['best_mine', 'epoch_7', '7'], 'safetensors': ['best_mine', 'epoch_7', '7', 'notes']}


@pytest.mark.parametrize('template', ['epoch_{}', '{}'])
@pytest.mark.parametrize('checkpoints', ['both', 'tickets'])
def test_the_files_of_others_stay(tmp_path, checkpoints, template):
    work_dir = tmp_path / 'work'
    work_dir.mkdir()
    for suffix, stems in MINE.items():
        for stem in stems:
            (work_dir / f'{stem}.{suffix}').write_text('mine')
    options = {'save_best': 'a', 'max_keep_ckpts': 2, 'filename_tmpl': f'{template}.pth'}
    training(work_dir, checkpoints, **options).train()
    steps, best = [template.format(2), template.format(3)], f'best_a_{template.format(3)}'
    written = {'pth': [*steps, best] if checkpoints == 'both' else steps[1:]}
    written['safetensors'] = [*steps, best]
    for suffix, stems in MINE.items():
        assert names(work_dir, suffix) == sorted([*stems, *written[suffix]])
        assert all((work_dir / f'{stem}.{suffix}').read_text() == 'mine' for stem in stems)


@pytest.mark.parametrize('checkpoints', ['both', 'tickets'])
def test_what_was_written_before_an_interruption_is_let_go_after_it(tmp_path, checkpoints):
    work_dir = tmp_path / 'work'
    options = {'save_best': 'a', 'max_keep_ckpts': 2}
    two_epochs = {'train_cfg.max_epochs': 2}
    training(work_dir, checkpoints, changes=two_epochs, **options).train()
    assert names(work_dir, 'safetensors') == ['best_a_epoch_2', 'epoch_1', 'epoch_2']
    resume = {'resume': True, 'load_from': f'mmlth-resume:{work_dir}/epoch_2.pth'}
    training(work_dir, checkpoints, scores={'a': [3]}, changes=resume, **options).train()
    kept = ['best_a_epoch_3', 'epoch_2', 'epoch_3']
    assert names(work_dir, 'safetensors') == kept
    assert names(work_dir, 'pth') == (kept if checkpoints == 'both' else ['epoch_3'])


@pytest.mark.parametrize(
    ('options', 'tickets'),
    [
        ({'save_optimizer': False}, ['epoch_1', 'epoch_2', 'epoch_3']),
        (
            {'save_best': ['a', 'b'], 'max_keep_ckpts': 1},
            ['best_a_epoch_3', 'best_b_epoch_1', 'epoch_3'],
        ),
        ({'save_best': 'a', 'max_keep_ckpts': 2}, ['best_a_iter_18', 'iter_12', 'iter_18']),
        ({'interval': 2, 'save_last': False, 'save_best': 'b'}, ['best_b_epoch_1', 'epoch_2']),
    ],
)
def test_the_newest_checkpoint_stays_whatever_the_options(tmp_path, options, tickets):
    by_iteration = tickets[-1].startswith('iter')
    training(tmp_path / 'work', 'tickets', iterations=by_iteration, **options).train()
    assert names(tmp_path / 'work', 'safetensors') == tickets
    assert names(tmp_path / 'work', 'pth') == tickets[-1:]


def test_tickets_go_where_checkpoints_go(tmp_path):
    options = {'out_dir': str(tmp_path / 'out'), 'save_best': 'a', 'max_keep_ckpts': 1}
    training(tmp_path / 'work', 'tickets', **options).train()
    folder = tmp_path / 'out/work'
    assert names(folder, 'safetensors') == ['best_a_epoch_3', 'epoch_3']
    assert names(folder, 'pth') == ['epoch_3']
    assert not [*(tmp_path / 'work').glob('*.pth'), *(tmp_path / 'work').glob('*.safetensors')]


class Killed(BaseException):
    """Stands for a signal: nothing catches it."""


@pytest.mark.parametrize(('cls', 'method'), [(Runner, 'save_checkpoint'), (TicketSaver, '_save')])
def test_a_killed_training_can_be_resumed_and_has_all_tickets(tmp_path, monkeypatch, cls, method):
    save = getattr(cls, method)

    def save_and_die(*args, **kwargs):
        save(*args, **kwargs)
        if 'epoch_2.pth' in args:
            raise Killed

    monkeypatch.setattr(cls, method, save_and_die)
    with pytest.raises(Killed):
        training(tmp_path / 'work', 'tickets').train()
    assert Path((tmp_path / 'work/last_checkpoint').read_text()).is_file()
    assert names(tmp_path / 'work', 'safetensors') == ['epoch_1', 'epoch_2']


@pytest.mark.parametrize('told', [{'note': 'mine'}, lambda: {'note': 'mine'}, None])
def test_what_is_told_beside_provenance(tmp_path, told):
    runner = training(tmp_path / 'work', 'tickets', save_best='a')
    saver = next(hook for hook in runner.hooks if isinstance(hook, TicketSaver))
    saver.info = TicketSaver(info=told).info
    runner.train()
    info = load_ticket(tmp_path / 'work/best_a_epoch_3.safetensors').info
    assert info.get('note') == (told and 'mine')
    assert (info['epoch'], info['iteration'], info['best']) == (3, 18, {'best_score': 3})
