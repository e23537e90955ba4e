"""``lottery.ticket``: one ticket trained under its mask, in place of a search."""

import json

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from toy import ToyModel, toy_config

from mmlth import Ticket, load_ticket, masked, prune, save_ticket
from mmlth.engine import LotteryError
from mmlth.ticket import TicketMismatchError
from mmlth_cli.main import main


@HOOKS.register_module(force=True)
class StopAt(Hook):
    """A kill; tells where training started."""

    def __init__(self, step=None):
        self.step = step

    def before_train(self, runner):
        type(self).start = runner.iter

    def after_train_iter(self, runner, *args, **kwargs):
        if runner.iter + 1 == self.step:
            raise KeyboardInterrupt


@pytest.fixture
def ticket(tmp_path):
    torch.manual_seed(0)
    state = ToyModel().state_dict()
    mask = prune({name: state[name] for name in ('conv.weight', 'fc.weight')}, sparsity=0.7)
    path = tmp_path / 't.safetensors'
    save_ticket(Ticket(mask, masked(state, mask), {'transfer': {'values': 'trained'}}), path)
    return path


def config_of(ticket, work_dir, **changes):
    config = toy_config(work_dir, **changes)
    # As a base config for searches has them: they are of no use here.
    config.lottery = {'target_sparsity': 0.5, 'rounds': 3, 'ticket': str(ticket)}
    return config


def train(ticket, work_dir, **changes):
    Runner.from_cfg(config_of(ticket, work_dir, **changes)).train()
    return load_ticket(work_dir / 'epoch_3.safetensors')


def test_one_ordinary_training_under_the_mask(ticket, tmp_path):
    ended = train(ticket, tmp_path / 'a')
    before = load_ticket(ticket)
    assert ended.mask == before.mask
    assert not (tmp_path / 'a/search.json').exists()
    assert ended.info['transfer'] == {'values': 'trained'}
    assert 'lottery' not in ended.info['config']
    saved = torch.load(tmp_path / 'a/epoch_3.pth', weights_only=False)['state_dict']
    for name, weight in ended.weights.items():
        assert torch.equal(weight, saved[name])
    # It is what a stock training with the two hooks does.
    stock = toy_config(tmp_path / 'b', load_from=str(ticket))
    stock.pop('lottery')
    stock.custom_hooks = [{'type': 'mmlth.MaskHook', 'mask': str(ticket)}]
    Runner.from_cfg(stock).train()
    expected = torch.load(tmp_path / 'b/epoch_3.pth', weights_only=False)['state_dict']
    assert all(torch.equal(weight, expected[name]) for name, weight in ended.weights.items())


@pytest.mark.parametrize('step', [3, 10])
def test_resuming_before_and_after_the_first_checkpoint(ticket, tmp_path, step):
    whole = train(ticket, tmp_path / 'whole', **{'model.dropout': 0.0})
    changes = {'model.dropout': 0.0, 'custom_hooks': [{'type': 'StopAt', 'step': step}]}
    with pytest.raises(KeyboardInterrupt):
        train(ticket, tmp_path / 'killed', **changes)
    changes |= {'custom_hooks': [{'type': 'StopAt'}], 'resume': True}
    again = train(ticket, tmp_path / 'killed', **changes)
    assert StopAt.start == {3: 0, 10: 6}[step]
    assert again.mask == whole.mask
    for name, kept in again.mask.items():
        assert not again.weights[name][~kept].any()
    if step == 3:  # nothing was saved, so it started from the ticket again
        assert all(torch.equal(w, whole.weights[n]) for n, w in again.weights.items())


def test_the_command(ticket, tmp_path):
    config = toy_config(tmp_path / 'x')
    config.pop('lottery')
    config.dump(tmp_path / 'toy.py')
    work_dir = tmp_path / 'work'
    command = ['train', str(tmp_path / 'toy.py'), '--work-dir', str(work_dir)]
    assert main([*command, '--ticket', str(ticket)]) == 0
    assert load_ticket(work_dir / 'epoch_3.safetensors').mask == load_ticket(ticket).mask
    # The same without our command: the dumped config trains by itself, too.
    assert 'ticket=' in (work_dir / 'toy.py').read_text()


def test_tickets_in_place_of_checkpoints(ticket, tmp_path):
    config = config_of(ticket, tmp_path / 'a')
    config.lottery.checkpoints = 'tickets'
    Runner.from_cfg(config).train()
    assert [path.name for path in (tmp_path / 'a').glob('*.pth')] == ['epoch_3.pth']
    assert len(list((tmp_path / 'a').glob('*.safetensors'))) == 3


def test_bad_input(ticket, tmp_path):
    with pytest.raises(LotteryError, match=r"lottery\.ticket='gone\.safetensors' does not exist"):
        train('gone.safetensors', tmp_path / 'a')
    with pytest.raises(LotteryError, match='or from load_from=other'):
        train(ticket, tmp_path / 'b', load_from='other.pth')
    (tmp_path / 'c').mkdir()
    (tmp_path / 'c/search.json').write_text(json.dumps({}))
    with pytest.raises(LotteryError, match='c holds a search'):
        train(ticket, tmp_path / 'c')
    with pytest.raises(LotteryError, match=r'lottery\.ticket must be the path of a file, got 3'):
        Runner.from_cfg(toy_config(tmp_path / 'd', lottery={'ticket': 3}))
    other = {'conv.weight': torch.ones(1, 2)}
    mask = prune(other, sparsity=0.5)
    save_ticket(Ticket(mask, masked(other, mask)), tmp_path / 'o.safetensors')
    with pytest.raises(TicketMismatchError, match=r'o\.safetensors is a ticket of another model'):
        train(tmp_path / 'o.safetensors', tmp_path / 'e')
