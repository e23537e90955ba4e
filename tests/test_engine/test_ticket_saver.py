"""Tickets beside, and in place of, MMEngine's checkpoints."""

import json

import pytest
import torch
from mmengine.runner import Runner
from toy import toy_config

from mmlth import load_ticket
from mmlth.engine import LotteryError

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
    assert ticket.mask == load_ticket(work_dir / 'tickets/round_01.safetensors').mask
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
    state = json.loads((work_dir / 'search.json').read_text())
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
    with pytest.raises((LotteryError, Exception), match=message):
        search(tmp_path, 'tickets', **changes)


def test_unknown_choices_are_refused(tmp_path):
    with pytest.raises(LotteryError, match='checkpoints must be one of both, mmengine, tickets'):
        Runner.from_cfg(toy_config(tmp_path, lottery={'checkpoints': 'all'}))


def test_a_saver_needs_a_mask(tmp_path):
    config = toy_config(tmp_path, custom_hooks=[{'type': 'mmlth.TicketSaver'}])
    config.pop('lottery')
    with pytest.raises(LotteryError, match=r'found no mask.*MaskHook'):
        Runner.from_cfg(config).train()
