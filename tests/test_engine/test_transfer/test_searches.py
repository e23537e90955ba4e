"""Transfers of a search's tickets, and what a training of the target does with them."""

import pytest
import torch
from kit import ticket_of
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.registry import HOOKS, MODELS
from mmengine.runner import Runner
from torch import nn
from toy import ToyModel, toy_config

import mmlth
from mmlth import Mask, Ticket, load_ticket, masked, save_ticket
from mmlth.engine import LotteryError
from mmlth.ticket import TicketMismatchError


@MODELS.register_module(force=True)
class ToyCarrier(BaseModel):
    """A toy whose backbone is that of another toy."""

    def __init__(self):
        super().__init__()
        self.backbone = ToyModel()
        del self.backbone.fc
        self.neck = nn.Conv2d(8, 8, 1)
        self.fc = nn.Linear(8, 2)

    def forward(self, inputs, data_samples=None, mode='tensor'):
        images = torch.stack(list(inputs)) if isinstance(inputs, (list, tuple)) else inputs
        body = self.backbone
        features = body.depthwise(body.bn(body.conv(images)).relu()).relu()
        logits = self.fc(self.neck(features).relu().mean((2, 3)))
        if mode == 'loss':
            labels = torch.as_tensor(data_samples)
            return {'loss': nn.functional.cross_entropy(logits, labels)}
        return [(int(g.argmax()), int(t)) for g, t in zip(logits, data_samples)]


@HOOKS.register_module(force=True)
class WatchMasked(Hook):
    """Takes down the weights at the start and, after each step, what of the mask is not zero."""

    priority = 'LOWEST'
    start: dict
    alive: list

    def before_train(self, runner):
        type(self).start = {n: w.clone() for n, w in runner.model.state_dict().items()}
        type(self).alive = []

    def after_train_iter(self, runner, *args, **kwargs):
        parameters = dict(runner.model.named_parameters())
        mask = load_ticket(runner.cfg.lottery.ticket).mask
        for name, kept in mask.items():
            moments = runner.optim_wrapper.optimizer.state[parameters[name]].values()
            for tensor in (parameters[name], *moments):
                if tensor.shape == kept.shape:
                    self.alive.append(int(tensor[~kept].count_nonzero()))


def carrier(work_dir, **changes):
    return toy_config(work_dir, **{'model.type': 'ToyCarrier', **changes})


@pytest.mark.parametrize('optimizer', ['SGD', 'AdamW'])
@pytest.mark.parametrize('values', ['trained', 'initial', 'target'])
def test_masked_weights_stay_masked_while_the_target_trains(
    toy_search, tmp_path, values, optimizer
):
    source = toy_search / 'tickets/round_02.safetensors'
    config = carrier(tmp_path / 'train')
    done = mmlth.transfer(source, config, values=values, any_input=True)
    # conv: 3·8·9 + depthwise: 8·9; norm 2·8, biases 2·8.
    assert (len(done.transplant.masked), done.weights(done.transplant.masked)) == (2, 216 + 72)
    matched = [name for name in done.names.matched if name in done.parameters]
    assert (len(matched), done.weights(matched)) == (6, 216 + 72 + 16 + 16)
    path = str(tmp_path / 't.safetensors')
    save_ticket(done.ticket, path)
    config.lottery = {'ticket': path}
    config.custom_hooks = [{'type': 'WatchMasked'}, {'type': 'EMAHook', 'momentum': 0.1}]
    if optimizer == 'AdamW':
        config.optim_wrapper.optimizer = {'type': 'AdamW', 'lr': 0.01}
    runner = Runner.from_cfg(config)
    runner.train()
    moments = {'SGD': 1, 'AdamW': 2}[optimizer]
    assert len(WatchMasked.alive) == 18 * 4 * (1 + moments)  # steps, layers, weights and moments
    assert not any(WatchMasked.alive)
    for name, weight in done.ticket.weights.items():
        assert torch.equal(WatchMasked.start[name], weight), name
    ended = load_ticket(tmp_path / 'train/epoch_3.safetensors')
    assert ended.mask == done.ticket.mask
    assert ended.info['transfer'] == done.ticket.info['transfer']
    assert ended.mask.sparsity > 0.5
    for name, kept in ended.mask.items():
        moved = ended.weights[name] != done.ticket.weights[name]
        assert moved.any(), name
        assert not moved[~kept].any(), name


def test_values_of_a_search(toy_search, tmp_path):
    source = toy_search / 'tickets/round_02.safetensors'
    ticket = mmlth.with_initial(load_ticket(source), toy_search / 'rewind.safetensors')
    for values, expected in [('trained', ticket.weights), ('initial', ticket.initial)]:
        done = mmlth.transfer(source, carrier(tmp_path), values=values, any_input=True)
        for name, origin in done.names.matched.items():
            assert torch.equal(done.ticket.weights[name], expected[origin])
    save_ticket(load_ticket(source), tmp_path / 'away.safetensors')
    with pytest.raises(LotteryError, match=r'rewind\.safetensors does not exist; give the search'):
        mmlth.transfer(
            tmp_path / 'away.safetensors', carrier(tmp_path), values='initial', any_input=True
        )
    mmlth.transfer(
        tmp_path / 'away.safetensors',
        carrier(tmp_path),
        values='initial',
        rewind_file=toy_search / 'rewind.safetensors',
        any_input=True,
    )


def test_the_rest_is_what_a_training_of_that_seed_starts_from(toy_search, tmp_path):
    config = carrier(tmp_path, custom_hooks=[{'type': 'WatchMasked'}], randomness={'seed': 5})
    source = toy_search / 'tickets/round_02.safetensors'
    done = mmlth.transfer(source, config, values='target', any_input=True)
    assert done.ticket.info['seed'] == 5
    config.pop('lottery')
    runner = Runner.from_cfg(config)
    runner._init_model_weights()
    for name, weight in masked(runner.model.state_dict(), done.ticket.mask).items():
        assert torch.equal(weight, done.ticket.weights[name]), name


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'values': 'rewound'}, "one of trained, initial, target, got 'rewound'"),
        ({'sparsity': 1.0}, 'between 0 and 1'),
        ({'depths': 'stretch'}, 'one of append, interpolate'),
        ({'mask': 'm.pth'}, 'has a mask of its own'),
    ],
)
def test_bad_options(toy_search, tmp_path, options, message):
    source = toy_search / 'tickets/round_02.safetensors'
    with pytest.raises(LotteryError, match=message):
        mmlth.transfer(source, carrier(tmp_path), **options)
    with pytest.raises(LotteryError, match='does not exist'):
        mmlth.transfer(tmp_path / 'gone.pth', carrier(tmp_path))


def test_a_mask_without_weights(toy_search, tmp_path):
    ticket = ticket_of(toy_search, 2)
    path = tmp_path / 'mask.safetensors'
    save_ticket(Ticket(ticket.mask, None, ticket.info), path)
    done = mmlth.transfer(path, carrier(tmp_path), values='target', any_input=True)
    assert done.weights(done.transplant.masked) == 288
    with pytest.raises(TicketMismatchError, match='a mask without trained weights'):
        mmlth.transfer(path, carrier(tmp_path), any_input=True)


def test_a_ticket_of_the_same_kind_as_those_of_searches(toy_search, tmp_path):
    config = carrier(tmp_path)
    config.model.type = 'ToyModel'
    done = mmlth.transfer(toy_search / 'tickets/round_01.safetensors', config, any_input=True)
    assert isinstance(done.ticket.mask, Mask)
    assert done.naming == 'same names in both models'
    assert done.ticket.mask == ticket_of(toy_search, 1).mask
