"""The command line: results of its own, and one clear line on bad input."""

import re
from pathlib import Path

import pytest
from toy import toy_config

from mmlth.cli.main import main

ROOT = Path(__file__).parents[2]
YOLOX = 'mmdet::yolox/yolox_tiny_8xb8-300e_coco.py'


def total_and_parameters(printed):
    parameters, total = re.search(r'of the ([\d,]+) parameters.*?([\d,]{5,})', printed).groups()
    return int(total.replace(',', '')), int(parameters.replace(',', ''))


def test_targets_of_a_zoo_config(capsys):
    assert main(['targets', YOLOX]) == 0
    printed = capsys.readouterr().out
    assert 'backbone.stage1' in printed
    total, parameters = total_and_parameters(printed)
    assert 0.95 * parameters < total < parameters

    assert main(['targets', YOLOX, '--cfg-options', 'lottery.targets.exclude=neck']) == 0
    without_neck = capsys.readouterr().out
    assert 'neck' not in without_neck
    assert total_and_parameters(without_neck)[0] < total


def test_targets_leave_frozen_stages_out_that_freeze_only_in_training(capsys):
    swin = 'mmdet::swin/mask-rcnn_swin-t-p4-w7_fpn_1x_coco.py'
    assert main(['targets', swin]) == 0
    free = total_and_parameters(capsys.readouterr().out)[0]
    assert main(['targets', swin, '--cfg-options', 'model.backbone.frozen_stages=2']) == 0
    assert total_and_parameters(capsys.readouterr().out)[0] < free


def test_train_a_config_file_with_options(tmp_path, capsys):
    config = toy_config(tmp_path)
    config.pop('lottery')
    config.pop('work_dir')
    config.dump(tmp_path / 'toy.py')
    work_dir = tmp_path / 'work'
    command = ['train', str(tmp_path / 'toy.py'), '--work-dir', str(work_dir)]
    options = [
        '--target-sparsity',
        '0.5',
        '--rounds',
        '1',
        '--cfg-options',
        'train_cfg.max_epochs=2',
    ]
    assert main([*command, *options]) == 0
    assert (work_dir / 'tickets/round_01.safetensors').exists()
    assert not (work_dir / 'tickets/round_02.safetensors').exists()

    assert main([*command, *options]) == 1
    assert 'holds this search already' in capsys.readouterr().err
    assert main([*command, *options, '--resume']) == 0


BAD = {
    'no file': (['targets', 'nowhere.py'], 'nowhere.py does not exist'),
    'misspelt file': (['targets', 'configs/lth/mask_rcnn_r5_imp.py'], 'mask_rcnn_r50_imp.py'),
    'misspelt name': (
        ['train', 'mmdet::yolox/yolox_tiny_8xb8-30e_coco.py'],
        'nearest: mmdet::yolox/yolox_tiny_8xb8-300e_coco.py',
    ),
    'name without folder': (['targets', 'mmdet::yolox_tiny_8xb8-300e_coco'], YOLOX),
    'unknown zoo': (['targets', 'mmfoo::a.py'], "unknown zoo 'mmfoo'"),
    'no model': (['targets', 'mmlth::_base_/lth/imp.py'], 'no config of a model'),
    'option that does not fit': (
        ['targets', YOLOX, '--cfg-options', 'custom_hooks.9.type=X'],
        'do not fit the config',
    ),
    'pattern without weights': (
        ['targets', YOLOX, '--cfg-options', 'lottery.targets.include=nek'],
        'nearest: neck',
    ),
    'missing package for the model': (
        ['targets', 'mmdet::glip/glip_atss_swin-t_a_fpn_dyhead_pretrain_obj365.py'],
        'transformers is not installed',
    ),
    'share above one': (['train', YOLOX, '--target-sparsity', '1.5'], 'between 0 and 1'),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input_is_one_line(case, tmp_path, monkeypatch, capsys):
    arguments, words = BAD[case]
    monkeypatch.chdir(ROOT)
    if arguments[0] == 'train':
        arguments = [*arguments, '--work-dir', str(tmp_path / 'work')]
    assert main(arguments) == 1
    error = capsys.readouterr().err
    (line,) = [line for line in error.splitlines() if line.startswith('mmlth: ')]
    assert words in line
    assert not (tmp_path / 'work').exists()


def test_a_config_that_does_not_parse(tmp_path, capsys):
    for text in ('model = dict(', 'model = undefined', "_base_ = 'gone.py'"):
        (tmp_path / 'broken.py').write_text(text)
        assert main(['targets', str(tmp_path / 'broken.py')]) == 1
        assert 'broken.py cannot be read' in capsys.readouterr().err


def test_a_config_that_imports_a_missing_package(tmp_path, capsys):
    (tmp_path / 'config.py').write_text("custom_imports = dict(imports=['no_such.models'])\n")
    assert main(['targets', str(tmp_path / 'config.py')]) == 1
    assert 'needs the package no_such, which is not installed' in capsys.readouterr().err


def test_a_model_without_prunable_weights(tmp_path, capsys):
    (tmp_path / 'model.py').write_text("model = dict(type='ImgDataPreprocessor')")
    assert main(['targets', str(tmp_path / 'model.py')]) == 1
    assert 'no prunable weights' in capsys.readouterr().err


@pytest.mark.parametrize('arguments', [[], ['train'], ['targets', '--rounds', 'many', 'x']])
def test_usage_errors_end_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert 'usage: mmlth' in capsys.readouterr().err
