"""The main job through the stock commands of MMDetection and MMPose, and all our configs."""

import os
import pickle
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import mmpose
import pytest
import torch
from kit import csv_rows, record, shapes_options, ticket_of
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from mmengine.runner import Runner
from poses import POSE
from repository import DEMO, ROOT, installed_configs
from stack import mim_name

from mmlth.data import KEYPOINTS, make_shapes
from mmlth.engine import parse_settings
from mmlth.pruning import count_parameters, find_targets

CONFIGS = [path for path in installed_configs() if Config.fromfile(path).get('lottery')]


def command(*arguments, **environment):
    done = subprocess.run(  # noqa: S603
        [str(argument) for argument in arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope='module')
def shapes(tmp_path_factory):
    root = tmp_path_factory.mktemp('shapes')
    make_shapes(root, train=8, val=4)
    return root


def options_of(root):
    return [
        *(f'{key}={value}' for key, value in shapes_options(root).items()),
        'train_dataloader.batch_size=4',
        'train_cfg.max_epochs=2',
        'train_cfg.val_interval=2',
        'lottery.rounds=2',
    ]


def test_mim_train_searches_with_mask_rcnn(shapes, tmp_path):
    mim = Path(sys.executable).with_name('mim')
    options = ['--work-dir', tmp_path, '--cfg-options', *options_of(shapes)]
    run = [mim, 'train', mim_name(), DEMO, *options]
    # mim starts `python`, so the one of this environment must come first.
    path = f'{mim.parent}{os.pathsep}{os.environ["PATH"]}'
    code, out, err = command(*run, PATH=path)
    assert code == 0, out[-3000:] + err[-3000:]
    assert 'Prunable weights' in out + err
    assert 'search: round 2 of 2' in out + err
    assert 'report.html' in out
    state = record(tmp_path)
    names = [target['name'] for target in state['targets']]
    assert 'roi_head.bbox_head.shared_fcs.0.weight' in names
    assert not [n for n in names if 'rpn_cls' in n or 'fc_reg' in n or 'conv_logits' in n]
    rows = csv_rows(tmp_path / 'report/results.csv')
    assert [round(float(row['sparsity']), 4) for row in rows] == [0.0, 0.5528, 0.8]
    assert 'coco/bbox_mAP' in rows[0]
    assert 'coco/segm_mAP' in rows[0]
    # The ticket loads into the stock model, built from the zoo without mmlth's help.
    config = Config.fromfile(DEMO)
    init_default_scope('mmdet')
    ticket = ticket_of(tmp_path, 2)
    MODELS.build(config.model).load_state_dict(ticket.state_dict())
    _check_mim_test(shapes, tmp_path, mim, path)
    # The same command again refuses to overwrite; bad input ends in one line.
    code, _, err = command(*run, PATH=path)
    assert code != 0
    assert 'add --resume to continue it' in err
    # mim prints a traceback of its own about the script's exit status.
    assert err.count('Traceback') <= 1


def _check_mim_test(shapes, work_dir, mim, path):
    """``mim test`` with the ticket predicts what the model predicts that MMEngine saved."""
    options = {
        'test_dataloader.dataset.data_root': f'{shapes}/',
        'test_evaluator.ann_file': f'{shapes}/annotations/val.json',
        'model.test_cfg.rcnn.score_thr': 0.0,
    }
    ticket, out_file = work_dir / 'tickets/round_02.safetensors', work_dir / 'predictions.pkl'
    run = [mim, 'test', mim_name(), DEMO, '--checkpoint', ticket, '--out', out_file]
    run += ['--work-dir', work_dir / 'test', '--cfg-options']
    code, out, err = command(*run, *[f'{k}={v}' for k, v in options.items()], PATH=path)
    assert code == 0, out[-3000:] + err[-3000:]
    config = Config.fromfile(DEMO)
    config.merge_from_dict(options)
    model = MODELS.build(config.model)
    saved = torch.load(work_dir / 'round_02/epoch_2.pth', weights_only=False)['state_dict']
    model.load_state_dict(saved)
    model.eval()
    images = Runner.build_dataloader(config.test_dataloader)
    with torch.no_grad():
        expected = [sample for batch in images for sample in model.test_step(batch)]
    result = pickle.loads(out_file.read_bytes())  # noqa: S301, ours
    assert len(result) == len(expected) == 4
    for one, other in zip(result, expected):
        assert len(one['pred_instances']['scores'])
        assert torch.equal(one['pred_instances']['scores'], other.pred_instances.scores)
        assert torch.equal(one['pred_instances']['bboxes'], other.pred_instances.bboxes)


def test_the_training_script_of_mmpose_searches_by_three_lines(shapes, tmp_path):
    config = tmp_path / 'pose.py'
    config.write_text(POSE.format(keypoints=list(KEYPOINTS), root=shapes))
    script = Path(mmpose.__file__).parent / '.mim/tools/train.py'
    code, out, err = command(sys.executable, script, config, '--work-dir', tmp_path / 'work')
    assert code == 0, out[-3000:] + err[-3000:]
    state = record(tmp_path / 'work')
    assert [round(entry['sparsity'], 6) for entry in state['rounds']] == [0.0, 0.5]
    assert not [t for t in state['targets'] if 'final_layer' in t['name']]
    assert (tmp_path / 'work/report/accuracy.png').exists()


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_configs_build_and_have_targets(path):
    config = Config.fromfile(path)
    settings = parse_settings(config.lottery)
    init_default_scope(config.default_scope)
    for part in (
        config.model.get('backbone', {}),
        config.model.get('roi_head', {}).get('shared_head', {}),
    ):
        if part:
            part.init_cfg = None  # pre-trained weights would be downloaded
    model = MODELS.build(config.model)
    targets = find_targets(model, **asdict(settings.targets))
    share = sum(t.numel for t in targets) / count_parameters(model)
    assert 0.5 < share < 1


def test_the_base_config_copes_with_bases_that_have_hooks_and_imports(tmp_path):
    (tmp_path / 'other.py').write_text(
        "custom_hooks = [dict(type='EMAHook')]\ncustom_imports = dict(imports=['json'])\n"
    )
    base = ROOT / 'configs/_base_/lth/imp.py'
    (tmp_path / 'child.py').write_text(f"_base_ = ['./other.py', {str(base)!r}]\n")
    config = Config.fromfile(tmp_path / 'child.py')
    assert config.custom_hooks == [{'type': 'EMAHook'}]
    assert config.custom_imports.imports == ['json']
    assert parse_settings(config.lottery).rate == 0.2
