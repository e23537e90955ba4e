"""``mmlth convert``: every way there and back, one line of result, one clear line on bad input."""

import errno
import os

import numpy as np
import pytest
import torch
from mmengine.logging import MessageHub
from torch import nn

from mmlth.pruning import Mask, masked
from mmlth.ticket import Ticket, load_ticket, save_tensors, save_ticket, weights_hash
from mmlth_cli.main import main

KEPT = torch.tensor([[True, False], [True, False]])
WEIGHTS = {'fc.weight': torch.tensor([[1 / 3, 2.0], [3.0, 4.0]]), 'fc.bias': torch.zeros(2)}
START = {name: weight + 1 for name, weight in WEIGHTS.items()}


@pytest.fixture
def work_dir(tmp_path, monkeypatch):
    """A search's files, with its ticket and dense weights in the current folder, too."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'tickets').mkdir()
    mask = Mask({'fc.weight': KEPT})
    info = {'rewind': {'weights_sha256': weights_hash(START)}}
    ticket = Ticket(mask, masked(WEIGHTS, mask), info)
    for name in ('tickets/round_01.safetensors', 't.safetensors'):
        save_ticket(ticket, name)
    save_tensors('rewind.safetensors', {f'weights/{n}': w for n, w in START.items()}, {})
    torch.save(WEIGHTS, 'dense.pth')
    return tmp_path


def convert(capsys, *arguments):
    code = main(['convert', *arguments])
    printed = capsys.readouterr()
    (line,) = (printed.err if code else printed.out).splitlines()
    return code, line


def test_there_and_back(work_dir, capsys):
    code, line = convert(capsys, 't.safetensors', 'x.pth')
    before, after = (os.path.getsize(name) for name in ('t.safetensors', 'x.pth'))
    assert code == 0
    assert line == (
        'x.pth written from t.safetensors (ticket): 2 of 4 prunable weights kept, sparsity '
        f'50.00%; {before:,} bytes before, {after:,} after'
    )
    nn.ModuleDict({'fc': nn.Linear(2, 2)}).load_state_dict(torch.load('x.pth')['state_dict'])

    code, line = convert(capsys, 'x.pth', 'y.safetensors')
    assert code == 0
    assert '(OpenMMLab checkpoint; mask: zeros): 2 of 4 prunable weights kept' in line
    ticket = load_ticket('y.safetensors')
    assert ticket.mask == Mask({'fc.weight': KEPT})
    assert torch.equal(ticket.weights['fc.weight'], WEIGHTS['fc.weight'] * KEPT)


def test_dense_weights_and_masks_by_option(work_dir, capsys):
    _, line = convert(capsys, 'dense.pth', 'a.safetensors')
    assert 'no zeros, so nothing is pruned): 4 of 4 prunable weights kept, sparsity 0.00%' in line
    torch.save({'fc.weight': KEPT}, 'mask.pth')
    _, line = convert(capsys, 'dense.pth', 'b.safetensors', '--mask', 'mask.pth')
    assert '(open_lth model; mask: a mask file): 2 of 4' in line
    assert load_ticket('b.safetensors').mask == Mask({'fc.weight': KEPT})


def test_a_checkpoint_of_mmengine(work_dir, capsys):
    hub = MessageHub('convert')
    hub.update_scalar('loss', 0.5)
    meta = {'dataset_meta': {'classes': ('a',), 'sigmas': np.array([0.5])}, 'seed': np.int64(3)}
    torch.save({'state_dict': WEIGHTS, 'meta': meta, 'message_hub': hub.state_dict()}, 'mm.pth')
    assert convert(capsys, 'mm.pth', 'a.safetensors')[0] == 0
    assert load_ticket('a.safetensors').info['dataset_meta']['sigmas'].tolist() == [0.5]
    assert convert(capsys, 'a.safetensors', 'plain.pth')[0] == 0
    plain = torch.load('plain.pth', weights_only=True)
    assert plain['meta'] == {'dataset_meta': {'classes': ('a',), 'sigmas': [0.5]}}


def test_values(work_dir, capsys):
    _, line = convert(capsys, 't.safetensors', 'a.safetensors', '--values', 'float16')
    assert 'lossy: kept weights rounded to float16;' in line
    rounded = load_ticket('a.safetensors').weights['fc.weight']
    assert rounded.dtype == torch.float32
    assert torch.equal(rounded, (WEIGHTS['fc.weight'] * KEPT).half().float())


def test_without_weights(work_dir, capsys):
    convert(capsys, 't.safetensors', 'a.safetensors', '--embed-initial', 'rewind.safetensors')
    _, line = convert(capsys, 'a.safetensors', 'b.safetensors', '--without-weights')
    assert 'mask alone;' in line
    ticket = load_ticket('b.safetensors')
    assert ticket.mask == Mask({'fc.weight': KEPT})
    assert (ticket.weights, ticket.initial) == (None, None)


@pytest.mark.parametrize(
    ('source', 'rewind'),
    [('tickets/round_01.safetensors', []), ('t.safetensors', ['rewind.safetensors'])],
)
def test_embed_initial(work_dir, capsys, source, rewind):
    code, line = convert(capsys, source, 'a.safetensors', '--embed-initial', *rewind)
    assert code == 0
    assert 'with the weights that it was trained from;' in line
    initial = load_ticket('a.safetensors').initial
    assert torch.equal(initial['fc.weight'], START['fc.weight'] * KEPT)


T, P = 't.safetensors', 'dense.pth'
BAD = {
    'no source': (['gone.pth', 'a.safetensors'], 'mmlth: gone.pth does not exist'),
    'no ticket': (['rewind.safetensors', 'a.pth'], 'rewind.safetensors is no ticket'),
    'no suffix': ([T, 'a'], 'a: expected a name that ends in .safetensors or .pth'),
    'two checkpoints': ([P, 'a.pth'], 'both checkpoints'),
    'same file': ([T, 't.safetensors', '--force'], 'is read from and cannot be written'),
    'rewind file as destination': (
        [T, 'rewind.safetensors', '--embed-initial', 'rewind.safetensors', '--force'],
        'is read from and cannot be written',
    ),
    'same file, linked': ([T, 'link.safetensors', '--force'], 'is read from and cannot be written'),
    'existing file': ([T, 'dense.pth'], 'dense.pth exists; give another name, or --force'),
    'mask of a ticket': ([T, 'a.pth', '--mask', P], '--mask is for checkpoints'),
    'values of a checkpoint': ([T, 'a.pth', '--values', 'float16'], '--values is for tickets'),
    'no search': ([T, 'a.safetensors', '--embed-initial'], 'is in no tickets/ of a search'),
    'rewinding a checkpoint': ([P, 'a.safetensors', '--embed-initial'], 'is for tickets of a'),
    'nothing to round': (
        [T, 'a.safetensors', '--values', 'float16', '--without-weights'],
        'leaves nothing to --values for',
    ),
    'weights that are gone': (['mask.safetensors', 'a.pth'], 'a mask without trained weights'),
    'too large for the type': (
        ['large.pth', 'a.safetensors', '--values', 'float16'],
        'too large for float16',
    ),
    'no folder': ([T, 'dense.pth/a.pth'], 'dense.pth'),
    'cut file': (['cut.pth', 'a.safetensors'], 'mmlth: cut.pth is damaged: '),
    'damaged file': (['damaged.pth', 'a.safetensors'], 'damaged.pth is damaged'),
    'unsafe file': (['evil.pth', 'a.safetensors'], 'evil.pth cannot be read without running code'),
}


class Attack:
    def __reduce__(self):
        return os.system, ('touch ran',)


@pytest.mark.parametrize('case', BAD)
def test_bad_input_is_one_line(work_dir, capsys, case):
    os.link('t.safetensors', 'link.safetensors')
    torch.save({'a.weight': torch.full((2, 2), 1e9)}, 'large.pth')
    torch.save(Attack(), 'evil.pth')
    with open('dense.pth', 'rb') as file:
        whole = file.read()
    (work_dir / 'cut.pth').write_bytes(whole[:-30])
    # A name that is no UTF-8: an error that torch does not expect.
    (work_dir / 'damaged.pth').write_bytes(whole.replace(b'fc.weight', b'\xff\xfe.weight'))
    save_ticket(Ticket(Mask({'fc.weight': KEPT}), None), 'mask.safetensors')
    files = {path: path.read_bytes() for path in work_dir.glob('*.*')}
    arguments, words = BAD[case]
    code, line = convert(capsys, *arguments)
    assert code == 1
    assert line.startswith('mmlth: ')
    assert words in line
    assert {path: path.read_bytes() for path in work_dir.glob('*.*')} == files


def test_a_full_disk(work_dir, capsys, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(os, 'fsync', full)
    for name in ('a.pth', 'a.safetensors'):
        code, line = convert(capsys, 't.safetensors', name)
        assert code == 1
        assert f'{name}: [Errno 28] No space left' in line
        assert not (work_dir / name).exists()


def test_force_replaces(work_dir, capsys):
    assert convert(capsys, 't.safetensors', 'dense.pth', '--force')[0] == 0
    assert 'state_dict' in torch.load('dense.pth')
