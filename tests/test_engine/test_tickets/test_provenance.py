"""What tickets tell of where they come from: searches and other trainings alike."""

import hashlib
import json

import mmcv
import pytest
import torch
from kit import ticket_of
from mmengine.runner import Runner
from toy import toy_config

from mmlth import load_ticket
from mmlth.ticket import load_rewind_weights, weights_hash

FROM_ANY = {
    *('prunable', 'kept', 'parameters', 'sparsity', 'network_sparsity'),
    *('seed', 'config', 'config_sha256', 'versions', 'dataset_meta', 'module_versions'),
}
FROM_A_SEARCH = FROM_ANY | {'round', 'rewind', 'parent_sha256'}
ENDED, WHILE_IT_TRAINS = {'metrics', 'learning_rates'}, {'epoch', 'iteration', 'best'}


def search(work_dir):
    config = toy_config(work_dir)
    config.lottery.update(rounds=1, checkpoints='both')
    config.default_hooks.checkpoint.update(save_best='toy/accuracy', rule='greater')
    Runner.from_cfg(config).train()
    return work_dir


def training(work_dir, ticket, scope='mmlth.'):
    """An ordinary one, under the mask of a ticket."""
    hooks = [{'type': f'{scope}MaskHook', 'mask': str(ticket)}, {'type': f'{scope}TicketSaver'}]
    config = toy_config(work_dir, custom_hooks=[{'type': 'EMAHook'}, *hooks])
    config.pop('lottery')
    Runner.from_cfg(config).train()
    return work_dir


@pytest.fixture(scope='module')
def searched(tmp_path_factory):
    return search(tmp_path_factory.mktemp('one') / 'work')


@pytest.fixture(scope='module')
def trained(searched):
    return training(searched / 'ordinary', searched / 'tickets/round_01.safetensors')


def sha256(raw):
    return hashlib.sha256(raw).hexdigest()


def test_all_trainings_tell_the_same(searched, trained):
    at_end = ticket_of(searched, 1)
    saved = load_ticket(searched / 'round_01/epoch_3.safetensors')
    ordinary = load_ticket(trained / 'epoch_3.safetensors')
    assert at_end.info.keys() == FROM_A_SEARCH | ENDED
    assert saved.info.keys() == FROM_A_SEARCH | WHILE_IT_TRAINS
    assert ordinary.info.keys() == FROM_ANY | WHILE_IT_TRAINS
    for key in FROM_A_SEARCH:
        assert at_end.info[key] == saved.info[key], key
    for ticket in (at_end, ordinary):
        info, mask = ticket.info, ticket.mask
        assert (info['prunable'], info['kept'], info['sparsity']) == (304, 76, 0.75)
        assert (mask.total, mask.kept) == (304, 76)
        assert (info['parameters'], info['network_sparsity']) == (338, 228 / 338)
        assert info['seed'] == 0
        assert info['config']['model'] == {'type': 'ToyModel'}
        text = json.dumps(info['config'], sort_keys=True)
        assert info['config_sha256'] == sha256(text.encode())
        assert info['versions']['mmcv'] == mmcv.__version__
        assert info['versions']['torch'] == torch.__version__
    assert at_end.info['config']['lottery']['target_sparsity'] == 0.75
    assert 'lottery' not in ordinary.info['config']
    assert ordinary.info['config']['custom_hooks'] == [{'type': 'EMAHook'}]
    parent = (searched / 'tickets/round_00.safetensors').read_bytes()
    assert saved.info['parent_sha256'] == sha256(parent)
    theta = weights_hash(load_rewind_weights(searched / 'rewind.safetensors'))
    assert saved.info['rewind']['weights_sha256'] == theta
    dense = load_ticket(searched / 'round_00/epoch_3.safetensors')
    assert dense.info['rewind'] == saved.info['rewind']


def test_equal_trainings_give_equal_tickets(searched, trained, tmp_path):
    search(tmp_path / 'other')
    moved = tmp_path / 'moved.safetensors'
    moved.write_bytes((searched / 'tickets/round_01.safetensors').read_bytes())
    training(tmp_path / 'other/ordinary', moved, scope='mmlth.engine.hooks.')
    paths = [p.relative_to(searched) for p in searched.rglob('*.safetensors')]
    # A rewind file tells the time that each iteration took.
    paths = [path for path in paths if path.name != 'rewind.safetensors']
    assert {path.parts[0] for path in paths} == {'tickets', 'round_00', 'round_01', 'ordinary'}
    for path in paths:
        assert (searched / path).read_bytes() == (tmp_path / 'other' / path).read_bytes(), path
