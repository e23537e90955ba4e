"""Checkpoints of others as tickets, and tickets as checkpoints for others."""

import os
import pickle
from collections import OrderedDict

import numpy as np
import pytest
import torch
from kit import bits
from torch import nn
from torch.nn.utils import prune, spectral_norm

from mmlth.pruning import Mask, masked
from mmlth.ticket import Ticket, TicketError, TicketMismatchError, load_ticket, save_ticket
from mmlth.ticket.checkpoint import save_checkpoint
from mmlth.ticket.foreign import read_foreign

KEPT = torch.tensor([[True, False], [True, True]])
WEIGHTS = {
    'conv.weight': torch.tensor([[1.5, -0.0], [-2.0, 3.0]]),
    'conv.bias': torch.tensor([0.0, 1.0]),
    'norm.weight': torch.tensor([0.0, 1.0]),
    'norm.num_batches_tracked': torch.tensor(3),
    'fc.weight': torch.tensor([[4.0, 5.0]]),
}


def save(content, path):
    torch.save(content, path)
    return path


def with_prefix(prefix, tensors=WEIGHTS):
    return {prefix + name: tensor for name, tensor in tensors.items()}


def assert_is_the_model(ticket):
    assert ticket.mask == Mask({'conv.weight': KEPT, 'fc.weight': torch.ones(1, 2).bool()})
    assert list(ticket.weights) == list(WEIGHTS)
    for name, weight in WEIGHTS.items():
        expected = weight + 0 if name == 'conv.weight' else weight  # −0 + 0 is +0
        assert bits(ticket.weights[name]) == bits(expected), name


FORMS = {
    'state dict': WEIGHTS,
    'OpenMMLab checkpoint': {'state_dict': WEIGHTS, 'meta': {'epoch': 1}, 'optimizer': {}},
    'DataParallel checkpoint': {'state_dict': with_prefix('module.'), 'arch': 'resnet18'},
    'MoCo checkpoint': {
        'state_dict': {
            'module.queue': torch.ones(2, 2),
            'module.queue_ptr': torch.zeros(1),
            **with_prefix('module.encoder_q.'),
            **{name: torch.zeros_like(w) for name, w in with_prefix('module.encoder_k.').items()},
        }
    },
}


@pytest.mark.parametrize('form', FORMS)
def test_zeros_are_pruned_whatever_the_form(tmp_path, form):
    ticket = read_foreign(save(FORMS[form], tmp_path / 'x.pth'))
    assert_is_the_model(ticket)
    source = ticket.info['source']
    assert (source['form'], source['mask'], source['file']) == (form, 'zeros', 'x.pth')
    save_ticket(ticket, tmp_path / 't.safetensors')
    assert_is_the_model(load_ticket(tmp_path / 't.safetensors'))


def test_moco_without_wrapper(tmp_path):
    queries = {**with_prefix('encoder_q.'), 'queue': torch.ones(2, 2)}
    assert_is_the_model(read_foreign(save(queries, tmp_path / 'x.pth')))


def test_without_zeros_all_weights_are_kept(tmp_path):
    ticket = read_foreign(save({'fc.weight': WEIGHTS['fc.weight']}, tmp_path / 'x.pth'))
    assert (ticket.mask.kept, ticket.mask.total) == (2, 2)
    assert 'no zeros' in ticket.info['source']['mask']


def pruned_model():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(2, 4, 3), nn.Flatten(), spectral_norm(nn.Linear(4, 3)))
    prune.random_unstructured(model[0], 'weight', 0.5)
    prune.random_unstructured(model[0], 'bias', 1)
    model.register_buffer('attn_mask', torch.ones(2))
    return model.eval()


def test_torch_pruning(tmp_path):
    model = pruned_model()
    with torch.no_grad():
        model[0].weight_orig[tuple(model[0].weight_mask.nonzero()[0])] = 0.0  # kept, but zero
    stock = pruned_model()
    for name in ('weight', 'bias'):
        prune.remove(stock[0], name)
    ticket = read_foreign(save({'state_dict': model.state_dict()}, tmp_path / 'x.pth'))
    assert {name: int(kept.sum()) for name, kept in ticket.mask.items()} == {
        '0.weight': 36,
        '0.bias': 3,
    }
    stock.load_state_dict(ticket.state_dict())
    images = torch.randn(2, 2, 3, 3)
    assert torch.equal(stock(images), model(images))


def test_pruned_recurrent_layers(tmp_path):
    model = nn.LSTM(2, 3)
    prune.random_unstructured(model, 'weight_hh_l0', 0.5)
    ticket = read_foreign(save(model.state_dict(), tmp_path / 'x.pth'))
    assert (ticket.mask.kept, ticket.mask.total) == (18, 36)
    assert ticket.weights.keys() == nn.LSTM(2, 3).state_dict().keys()


def dense(prefix=''):
    weights = with_prefix(prefix)
    return weights | {f'{prefix}conv.weight': torch.tensor([[1.5, 9.0], [-2.0, 3.0]])}


MASKS = {'conv.weight': KEPT.int(), 'fc.weight': torch.ones(1, 2)}


def test_mask_files_of_pretrained_tickets(tmp_path):
    masks = {
        'module.conv.weight_orig': torch.randn(2, 2),
        'module.conv.weight_mask': KEPT.float(),
        'module.fc.weight_mask': torch.ones(1, 2),
        'module.conv.bias': torch.ones(2),
    }
    weights = save(dense('module.encoder_q.'), tmp_path / 'x.pth')
    ticket = read_foreign(weights, save({'state_dict': masks}, tmp_path / 'm.pt'))
    assert_is_the_model(ticket)
    assert ticket.info['source']['mask_file'] == 'm.pt'
    own = save({'conv.weight_orig': torch.ones(1), 'conv.weight_mask': torch.ones(1)}, weights)
    with pytest.raises(TicketError, match='masks of its own'):
        read_foreign(own, tmp_path / 'm.pt')


BY_MODULE = {'conv': {'weight': KEPT.float(), 'bias': None}, 'fc': {'weight': torch.ones(1, 2)}}
MASKS_BESIDE = {
    'mask': ({'state_dict': dense(), 'mask': MASKS}, 'mask'),
    'masks by module': ({'state_dict': dense(), 'masks': BY_MODULE}, 'masks'),
    'modules alone': (
        {'state_dict': dense(), 'masks': {'conv': KEPT, 'fc': MASKS['fc.weight']}},
        'masks',
    ),
    'two levels': ({'state_dict': dense(), 'pruner': {'x': 1, 'masks': MASKS}}, 'pruner.masks'),
    'another name for the weights': (
        {'model': dense(), 'ema': {'n': 3}, 'pruner': {'masks': MASKS}},
        'pruner.masks',
    ),
    'wrapped, under another name': (
        {'net': dense('module.'), 'pruner': {'masks': MASKS}},
        'pruner.masks',
    ),
    'bool, under any name': (
        {'state_dict': dense(), 'kept': {n: m.bool() for n, m in MASKS.items()}},
        'kept',
    ),
    'the wrapper in both': (
        {'state_dict': dense('module.'), 'mask': with_prefix('module.', MASKS)},
        'mask',
    ),
    'the wrapper in one': ({'state_dict': dense('module.'), 'mask': MASKS}, 'mask'),
    'MoCo': ({'state_dict': dense('module.encoder_q.'), 'mask': MASKS}, 'mask'),
    'ending in _mask': (
        {'state_dict': dense(), 'buffers': {'masks': {f'{n}_mask': m for n, m in MASKS.items()}}},
        'buffers.masks',
    ),
    'beside scores and moments': (
        {
            'state_dict': dense(),
            'mask_scores': {'masks': MASKS, 'conv.weight': torch.rand(2, 2)},
            'optimizer': {'state': {0: {'exp_avg': torch.ones(2, 2)}}},
            'momenta': {name: torch.zeros_like(mask) for name, mask in MASKS.items()},
            'masks_of_losses': 'none',
        },
        'mask_scores.masks',
    ),
    'beside the weights themselves': ({**dense(), 'masks': MASKS}, 'masks'),
}


@pytest.mark.parametrize('case', MASKS_BESIDE)
def test_masks_in_an_entry_beside_the_weights(tmp_path, case):
    content, place = MASKS_BESIDE[case]
    ticket = read_foreign(save(content, tmp_path / 'x.pth'))
    assert_is_the_model(ticket)
    assert ticket.info['source']['mask'] == f'masks in the file, entry {place}'
    if 'state_dict' in content:  # the same as a mask file
        masks = {key: value for key, value in content.items() if key != 'state_dict'}
        weights = save({'state_dict': content['state_dict']}, tmp_path / 'weights.pth')
        ticket = read_foreign(weights, save(masks, tmp_path / 'masks.pth'))
        assert_is_the_model(ticket)
        assert ticket.info['source']['mask'] == f'a mask file, entry {place}'
    with pytest.raises(TicketError, match='masks of its own'):
        read_foreign(tmp_path / 'x.pth', tmp_path / 'masks.pth')


MISFITS = {
    'several': (
        {'state_dict': WEIGHTS, 'masks': {'round_1': MASKS, 'round_2': MASKS}},
        "several entries: 'masks.round_1', 'masks.round_2'",
    ),
    'both ways': (
        {
            'state_dict': {'conv.weight_orig': KEPT / 2, 'conv.weight_mask': KEPT},
            'mask': {'conv.weight': KEPT},
        },
        "such as that of 'conv.weight', and in its entry 'mask'",
    ),
    'other names': (
        {'state_dict': WEIGHTS, 'pruner': {'masks': {'other.weight': KEPT}}},
        "entry 'pruner.masks' holds what is no mask of a weight: 'other.weight'",
    ),
    'other shapes': (
        {'state_dict': WEIGHTS, 'mask': {'conv.weight': torch.ones(3)}},
        "entry 'mask' holds what is no mask of a weight: 'conv.weight'",
    ),
    'more than zeros and ones': (
        {'state_dict': WEIGHTS, 'mask': {'conv.weight': torch.ones(2, 2) / 2}},
        'expected zeros and ones',
    ),
    'sparse': ({'state_dict': WEIGHTS, 'mask': {'conv.weight': KEPT.to_sparse()}}, "'conv.weight'"),
    'without names': ({'state_dict': WEIGHTS, 'masks': [KEPT]}, "'masks' holds tensors without"),
    'one tensor': ({'state_dict': WEIGHTS, 'mask': KEPT}, "'mask' holds tensors without names"),
    'weights of two models': (
        {'model': WEIGHTS, 'ema': WEIGHTS, 'masks': MASKS},
        "no tensors but 'model', 'ema', 'masks'",
    ),
}


def check_refusal(path, content, words):
    """What is refused is one line with these words that names the file."""
    save(content, path)
    with pytest.raises(TicketError) as caught:
        read_foreign(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('case', MISFITS)
def test_masks_in_an_entry_that_do_not_fit_are_one_line(tmp_path, case):
    check_refusal(tmp_path / 'x.pth', *MISFITS[case])


def test_what_a_search_keeps_in_its_checkpoints_is_no_mask_of_them(tmp_path):
    content = {'state_dict': WEIGHTS, 'mmlth_masks': {'masks': [torch.ones(1)], 'converged': False}}
    assert_is_the_model(read_foreign(save(content, tmp_path / 'x.pth')))


@pytest.mark.parametrize('prefix', ['', 'model.'])
def test_open_lth(tmp_path, prefix):
    weights = save(dense(prefix), tmp_path / 'model_ep160_it0.pth')
    save(with_prefix(prefix, MASKS), tmp_path / 'mask.pth')
    ticket = read_foreign(weights)
    assert_is_the_model(ticket)
    assert ticket.info['source']['form'] == 'open_lth model'
    other = save(dense(prefix), tmp_path / 'x.pth')
    assert_is_the_model(read_foreign(other, tmp_path / 'mask.pth'))
    assert read_foreign(other).mask.sparsity == 0


@pytest.mark.parametrize('masks', [None, {'head.weight': KEPT}, {'embed.weight': KEPT}])
def test_tied_tensors_stay_tied(tmp_path, masks):
    weight = torch.tensor([[1.0, -0.0], [2.0, 3.0]])
    tied = save({'embed.weight': weight, 'head.weight': weight}, tmp_path / 'x.pth')
    ticket = read_foreign(tied, masks and save(masks, tmp_path / 'm.pth'))
    assert list(ticket.mask) == ['embed.weight']
    save_ticket(ticket, tmp_path / 't.safetensors')
    save_checkpoint(load_ticket(tmp_path / 't.safetensors'), tmp_path / 'y.pth')
    state = torch.load(tmp_path / 'y.pth', weights_only=True)['state_dict']
    assert state['embed.weight'].data_ptr() == state['head.weight'].data_ptr()
    assert bits(state['head.weight']) == bits(weight + 0)


class Attack:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f'touch {self.marker}',)


@pytest.mark.parametrize('as_mask', [False, True])
def test_unsafe_pickles_run_nothing(tmp_path, as_mask):
    attack = save({'state_dict': {'w': Attack(tmp_path / 'ran')}}, tmp_path / 'evil.pth')
    weights = save(WEIGHTS, tmp_path / 'x.pth')
    with pytest.raises(TicketError, match=r'evil.pth cannot .* holds posix.system;') as caught:
        read_foreign(*((weights, attack) if as_mask else (attack,)))
    assert '\n' not in str(caught.value)
    (tmp_path / 'raw.pth').write_bytes(pickle.dumps(Attack(tmp_path / 'ran')))
    with pytest.raises(TicketError):
        read_foreign(tmp_path / 'raw.pth')
    assert not (tmp_path / 'ran').exists()


def of_versions(tensors, versions):
    state = OrderedDict(tensors)
    state._metadata = versions
    return state


ONES = torch.ones(2, 2)
BAD = {
    'a list': ([ONES], 'holds a list'),
    'another container': ({'model': WEIGHTS, 'step': 3}, "no tensors but 'model', 'step'"),
    'nothing': ({}, 'no tensors but nothing'),
    'an empty state dict': ({'state_dict': {}, 'meta': {}}, 'no tensors but nothing'),
    'a state dict that is none': ({'state_dict': 3}, "a int as 'state_dict'"),
    'a number': ({'state_dict': {'a.weight': ONES, 'step': 3}}, "'step' is a int"),
    'a name that is none': ({3: ONES}, '3 is not named'),
    'a sparse tensor': ({'a.weight': ONES.to_sparse()}, 'layout torch.sparse_coo'),
    'a tensor without values': ({'a.weight': ONES.to('meta')}, 'on meta'),
    'a type of its own': ({'a.weight': ONES.to(torch.complex128)}, 'complex128'),
    'a huge tensor': ({'a.weight': torch.ones(1, 1).expand(1 << 20, 1 << 20)}, 'bytes of memory'),
    'mixed wrappers': (
        {'module.a.weight': ONES, 'b.weight': ONES},
        "begin with 'module.' and others: 'b.weight'",
    ),
    'mixed encoders': (
        {'module.encoder_q.a.weight': ONES, 'module.fc.weight': ONES},
        "'module.encoder_q.' and others: 'module.fc.weight'",
    ),
    'no weights': ({'norm.weight': torch.ones(2)}, "could be pruned, only 'norm.weight'"),
    'a lost mask': ({'a.weight_orig': ONES}, "no 'a.weight_mask'"),
    'a lost weight': ({'a.weight_mask': ONES, 'b.weight': ONES}, "without a mask: 'b.weight'"),
    'two weights': (
        {'a.weight_orig': ONES, 'a.weight_mask': ONES, 'a.weight': ONES},
        "also 'a.weight'",
    ),
    'another shape': (
        {'a.weight_orig': ONES, 'a.weight_mask': torch.ones(4)},
        'shape (4,), the weight (2, 2)',
    ),
    'a mask of numbers': ({'a.weight_orig': ONES, 'a.weight_mask': ONES / 2}, 'than 0 and 1'),
    'odd metadata': (
        {'state_dict': WEIGHTS, 'meta': {'dataset_meta': {'classes': {1, 2}}}},
        'cannot store /dataset_meta/classes: a set;',
    ),
    'a tensor as metadata': (
        {'state_dict': WEIGHTS, 'meta': {'dataset_meta': ONES}},
        'a ticket has values by name as dataset_meta, got a Tensor;',
    ),
    'metadata without names': (
        {'state_dict': WEIGHTS, 'meta': {'dataset_meta': {3: 'a'}}},
        'values by name as dataset_meta, got 3 as a name;',
    ),
    'numbers of a type of their own': (
        {'state_dict': WEIGHTS, 'meta': {'CLASSES': ONES.to(torch.complex128)}},
        'cannot store /dataset_meta/classes: a tensor of torch.complex128',
    ),
    'odd versions': (
        {'state_dict': of_versions(WEIGHTS, {'a': {'version': 'x'}})},
        "whole numbers as module_versions, got a str for 'a';",
    ),
}


@pytest.mark.parametrize('case', BAD)
def test_what_is_no_checkpoint_is_one_clear_line(tmp_path, case):
    check_refusal(tmp_path / 'x.pth', *BAD[case])


def test_masks_of_another_model_are_refused(tmp_path):
    weights = save(WEIGHTS, tmp_path / 'x.pth')
    masks = save({'other.weight': KEPT}, tmp_path / 'm.pth')
    words = "masks of 'other.weight', .* without a mask: 'conv.weight', 'fc.weight'"
    with pytest.raises(TicketMismatchError, match=words):
        read_foreign(weights, masks)
    with pytest.raises(TicketMismatchError, match='than 0 and 1'):
        read_foreign(weights, weights)


def test_damaged_files_are_named_errors(tmp_path):
    path = save({'state_dict': WEIGHTS}, tmp_path / 'x.pth')
    whole = path.read_bytes()
    with pytest.raises(FileNotFoundError, match='does not exist'):
        read_foreign(tmp_path / 'gone.pth')
    for damaged in (b'', b'no pickle', whole[:100], whole[:-9], whole[:70] + b'\xff' + whole[71:]):
        path.write_bytes(damaged)
        with pytest.raises(TicketError, match=str(path)) as caught:
            read_foreign(path)
        assert '\n' not in str(caught.value)


def test_a_checkpoint_for_others(tmp_path):
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.BatchNorm1d(2))
    mask = Mask({'0.weight': KEPT})
    info = {
        'dataset_meta': {
            'classes': ('a', 'b'),
            'sigmas': np.array([0.5, 0.25]),
            'joints': {0: [np.int64(3)]},
        },
        'module_versions': {'1': 2},
    }
    save_checkpoint(Ticket(mask, masked(model.state_dict(), mask), info), tmp_path / 'y.pth')
    checkpoint = torch.load(tmp_path / 'y.pth', weights_only=True)
    assert checkpoint['meta'] == {
        'dataset_meta': {'classes': ('a', 'b'), 'sigmas': [0.5, 0.25], 'joints': {0: [3]}}
    }
    state = checkpoint['state_dict']
    assert type(state) is OrderedDict
    assert state._metadata == {'1': {'version': 2}}
    model.load_state_dict(state)
    assert torch.equal(model[0].weight != 0, KEPT)

    again = read_foreign(tmp_path / 'y.pth')
    assert again.mask == mask
    assert again.info['dataset_meta'] == checkpoint['meta']['dataset_meta']
    assert again.info['module_versions'] == {'1': 2}
    with pytest.raises(TicketMismatchError, match='without trained weights'):
        save_checkpoint(Ticket(mask, None), tmp_path / 'z.pth')
    assert not (tmp_path / 'z.pth').exists()


def test_versions_lose_the_prefix_too(tmp_path):
    model = nn.DataParallel(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)))
    checkpoint = {'state_dict': model.state_dict(), 'meta': {'CLASSES': ('a',)}}
    ticket = read_foreign(save(checkpoint, tmp_path / 'x.pth'))
    assert ticket.info['module_versions'] == {'': 1, '0': 1, '1': 2}
    assert ticket.info['dataset_meta'] == {'classes': ('a',)}
    checkpoint['meta'] = {'CLASSES': torch.tensor([3, 4])}  # odd, but can be carried over
    ticket = read_foreign(save(checkpoint, tmp_path / 'x.pth'))
    assert ticket.info['dataset_meta']['classes'].tolist() == [3, 4]


@pytest.mark.parametrize(
    'beside',
    [
        {'optimizer': {'state': {'roi_head.mask_head.conv.weight': {'exp_avg': torch.rand(2, 2)}}}},
        {'averages': {'roi_head.mask_head.conv.weight': torch.rand(2, 2)}},
        {'ema_masked_weights': {'roi_head.mask_head.conv.weight': torch.rand(2, 2)}},
    ],
)
def test_what_is_called_after_a_mask_head_is_no_mask(tmp_path, beside):
    weights = {'roi_head.mask_head.conv.weight': torch.tensor([[1.0, 0.0], [2.0, 3.0]])}
    torch.save({'state_dict': weights, **beside}, tmp_path / 'm.pth')
    ticket = read_foreign(tmp_path / 'm.pth')
    assert ticket.info['source']['mask'] == 'zeros'
    assert ticket.mask.kept == 3
