"""``mmlth export``: one line on success and on bad input."""

import pytest
import torch
from toy import ToyModel, toy_config

from mmlth.engine.configs.decisive_settings import result_affecting_config
from mmlth.pruning import attach_mask, attached_mask, find_targets, prune
from mmlth.ticket import Ticket, save_ticket
from mmlth_cli.main import main

NETWORK = ['--part', 'network', '--input-size', '6', '8']


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Tickets of the toy model, fit and unfit, and its config."""
    folder = tmp_path_factory.mktemp('tickets')
    config = toy_config(folder)
    config.dump(folder / 'toy.py')
    torch.manual_seed(0)
    model = ToyModel()
    weights = {target.name: target.parameter.detach() for target in find_targets(model)}
    attach_mask(model, prune(weights, sparsity=0.5))
    mask, state = attached_mask(model), model.state_dict()
    info = {'config': result_affecting_config(config, {})}
    for name, ticket in {
        'good': Ticket(mask, state, info),
        'mask': Ticket(mask, None, info),
        'without_config': Ticket(mask, state),
        'of_another': Ticket(mask, {**state, 'fc.bias': torch.zeros(3)}, info),
    }.items():
        save_ticket(ticket, folder / f'{name}.safetensors')
    content = (folder / 'good.safetensors').read_bytes()
    (folder / 'damaged.safetensors').write_bytes(content[:-9])
    (folder / 'text.safetensors').write_text('hello')
    return folder


def export(folder, name, out, *options):
    return main(['export', str(folder / f'{name}.safetensors'), str(out), *map(str, options)])


@pytest.mark.parametrize('name', ['good', 'without_config'])
def test_one_line_says_what_was_written(name, folder, tmp_path, capsys):
    out = tmp_path / 'new' / 'toy.onnx'
    config = ['--config', folder / 'toy.py'] if name == 'without_config' else []
    assert export(folder, name, out, *NETWORK, '--opset', 16, *config) == 0
    (line,) = capsys.readouterr().out.splitlines()
    size = f'{out.stat().st_size:,} bytes'
    assert line.startswith(f'{out}: {size}, opset 16, images of 6 × 8 → output; largest difference')
    assert line.endswith('its zeros make no runtime of ONNX faster; see --runtime mnn')


def test_without_the_check(folder, tmp_path, capsys):
    assert export(folder, 'good', tmp_path / 'toy.onnx', *NETWORK, '--no-check') == 0
    assert '; not checked; ' in capsys.readouterr().out


BAD = {
    'gone': (NETWORK, 'gone.safetensors does not exist'),
    'damaged': (NETWORK, 'damaged.safetensors is no ticket that can be read'),
    'text': (NETWORK, 'text.safetensors is no ticket that can be read'),
    'mask': (NETWORK, 'a mask without trained weights'),
    'without_config': (NETWORK, 'does not tell the config of its model; give it by --config'),
    'of_another': (NETWORK, 'other shapes: fc.bias (3,) in the ticket, (2,) in the model'),
    'good': (
        NETWORK[:2],
        'does not tell the size of its images: the pipeline of val_dataloader does not resize '
        'images to one size; give --input-size H W',
    ),
}


@pytest.mark.parametrize('name', BAD)
def test_bad_input_is_one_line(name, folder, tmp_path, capsys):
    options, words = BAD[name]
    assert export(folder, name, tmp_path / 'toy.onnx', *options) == 1
    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    assert line.startswith('mmlth: ')
    assert words in line
    assert not printed.out
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('size', ['0 8', '8 100000'])
def test_sizes_that_images_cannot_have(size, folder, tmp_path, capsys):
    assert export(folder, 'good', tmp_path / 'x', '--input-size', *size.split()) == 1
    message = f'--input-size (size) must be two numbers from 1 to 16384, got {size}'
    assert message in capsys.readouterr().err


def test_help_says_where_zeros_are_skipped(capsys):
    with pytest.raises(SystemExit):
        main(['export', '--help'])
    printed = ' '.join(capsys.readouterr().out.split())
    assert 'by which runtimes multiply as by any other number' in printed
    assert 'layers with more than 60 % zeros are marked, and MNN skips these zeros' in printed


def test_a_file_of_mnn_tells_what_of_it_is_sparse(folder, tmp_path, capsys):
    out = tmp_path / 'toy.mnn'
    assert export(folder, 'good', out, *NETWORK) == 0
    (line,) = capsys.readouterr().out.splitlines()
    size = f'{out.stat().st_size:,} bytes'
    assert line.startswith(f'{out}: {size}, for MNN, images of 6 × 8 → output; largest difference')
    assert ' of 3 layers are marked as sparse; with all zeros it would take ' in line
