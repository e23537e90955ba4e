"""``mmlth transfer``: what is printed and written, and one clear line on bad input."""

import re

import pytest
import torch
from mmdet.models import ResNet

from mmlth.ticket import load_ticket
from mmlth_cli.main import main

POSE = 'mmpose::body_2d_keypoint/topdown_heatmap/coco/td-hm_res50_8xb64-210e_coco-256x192.py'
NARROW = ['model.backbone.depth=18', 'model.head.in_channels=512', 'model.backbone.init_cfg=None']


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    torch.save({**ResNet(18).state_dict(), 'fc.weight': torch.ones(2, 2)}, 'r18.pth')
    return tmp_path


def transfer(capsys, *arguments):
    code = main(['transfer', *arguments, '--cfg-options', *NARROW])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_the_table_and_the_file(folder, capsys):
    options = ['--sparsity', '0.8', '--input', 'torchvision']
    code, out, _ = transfer(capsys, 'r18.pth', POSE, *options, '--dry-run')
    assert code == 0
    # 20 convolutions and 40 norm parameters; see tests/test_engine/test_transfer/test_transfer.py.
    assert re.search(r'backbone +60 / 11,176,512 .* 20 / 11,166,912 +20\.00%', out)
    assert re.search(r'head +– +11 / ', out)
    assert 'source: r18.pth (state dict; mask: no zeros, so nothing is pruned)' in out
    assert 'names: a backbone alone, by the names of torchvision or the like; rules =back' in out
    assert 'unused: 1 names of the source (fc.weight)' in out
    assert not list(folder.glob('*.safetensors'))

    code, again, _ = transfer(capsys, 'r18.pth', POSE, *options, '--out', 't.safetensors')
    assert code == 0
    assert again.startswith(out)
    assert f'mmlth train {POSE} --ticket t.safetensors' in again
    mask = load_ticket('t.safetensors').mask
    assert f'{mask.kept:,} of {mask.total:,} prunable weights kept' in out


def test_rules_of_ones_own(folder, capsys):
    state = torch.load('r18.pth')
    torch.save({f'encoder.{name}': tensor for name, tensor in state.items()}, 'e.pth')
    code, _, err = transfer(capsys, 'e.pth', POSE, '--dry-run')
    assert code == 1
    assert 'no name of the source is one of the target' in err
    assert len(err.splitlines()) == 1
    rule = ['--map', 'encoder.=backbone.', '--input', 'torchvision']
    code, out, _ = transfer(capsys, 'e.pth', POSE, '--dry-run', *rule)
    assert code == 0
    assert 'names: as given; rules encoder.=backbone.' in out


def test_inputs_are_judged_after_the_table_and_before_a_file(folder, capsys):
    out = ['--out', 't.safetensors']
    for options, message in [
        ([], 'nothing tells what images r18.pth was trained on'),
        (['--input', 'caffe'], 'the source was trained on bgr:103.53'),
    ]:
        code, printed, err = transfer(capsys, 'r18.pth', POSE, *out, *options)
        assert code == 1
        assert 'rules =backbone.' in printed
        assert err.startswith(f'mmlth: {message}')
        assert not (folder / 't.safetensors').exists()
    code, printed, _ = transfer(capsys, 'r18.pth', POSE, *out, '--any-input')
    assert code == 0
    assert 'input: source unknown, target rgb:123.675' in printed


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ([], '--out takes a name that ends in .safetensors, got None; or give --dry-run'),
        (['--out', 'x.pth'], 'ends in .safetensors, got x.pth'),
        (['--out', 'gone/x.safetensors'], 'there is no folder gone'),
        (['--out', 'there.safetensors'], 'there.safetensors exists; give another name, or have it'),
        (['--dry-run', '--map', 'a'], 'expected SOURCE_PREFIX=TARGET_PREFIX'),
        (['--dry-run', '--input', 'a'], "'a' is no input of a network"),
        (['--dry-run', '--sparsity', '2'], 'between 0 and 1'),
    ],
)
def test_bad_options(folder, capsys, arguments, message):
    (folder / 'there.safetensors').touch()
    code, _, err = transfer(capsys, 'r18.pth', POSE, *arguments)
    assert code == 1
    assert message in err
    assert len(err.splitlines()) == 1
