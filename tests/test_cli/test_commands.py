"""The command line: results of its own, and one clear line on bad input."""

import re
from pathlib import Path

import pytest
import torch
from kit import record
from mmengine.config import Config
from repository import ROOT
from toy import ToyModel, toy_config

from mmlth_cli.main import main

YOLOX = 'mmdet::yolox/yolox_tiny_8xb8-300e_coco.py'


def total_and_parameters(printed):
    parameters = re.search(r'of the ([\d,]+) parameters', printed)[1]
    total = re.search(r'│ all .*?([\d,]{5,})', printed)[1]
    return int(total.replace(',', '')), int(parameters.replace(',', ''))


def test_targets_of_a_zoo_config(capsys):
    assert main(['targets', YOLOX]) == 0
    printed = capsys.readouterr().out
    assert 'backbone.stage1' in printed
    total, parameters = total_and_parameters(printed)
    assert 0.95 * parameters < total < parameters

    assert main(['targets', YOLOX, '--cfg-options', 'lottery.targets.exclude=neck']) == 0
    without_neck = capsys.readouterr().out
    pruned, left_out = without_neck.split('Left out')
    assert 'neck' not in pruned
    assert 'in targets.exclude' in left_out
    assert total_and_parameters(without_neck)[0] < total


def test_targets_leave_frozen_stages_out_that_freeze_only_in_training(capsys):
    swin = 'mmdet::swin/mask-rcnn_swin-t-p4-w7_fpn_1x_coco.py'
    assert main(['targets', swin]) == 0
    free = total_and_parameters(capsys.readouterr().out)[0]
    assert main(['targets', swin, '--cfg-options', 'model.backbone.frozen_stages=2']) == 0
    assert total_and_parameters(capsys.readouterr().out)[0] < free


def test_train_a_config_file_with_options(tmp_path, capsys):
    config = toy_config(tmp_path / 'of_the_config')
    config.pop('lottery')
    torch.save({'state_dict': ToyModel().state_dict()}, tmp_path / 'dense.pth')
    config.load_from = str(tmp_path / 'dense.pth')  # which --resume puts aside
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
    assert {path.name for path in work_dir.glob('round_*/*.pth')} == {'epoch_1.pth', 'epoch_2.pth'}
    assert not (tmp_path / 'of_the_config').exists()

    assert main([*command, *options]) == 1
    assert 'holds this search already' in capsys.readouterr().err
    assert main([*command, *options, '--resume']) == 0


@pytest.fixture
def config_file(tmp_path, monkeypatch):
    """A config without work_dir, lottery and schedule, in the current folder."""
    monkeypatch.chdir(tmp_path)
    config = toy_config(tmp_path)
    for key in ('work_dir', 'lottery', 'param_scheduler'):
        config.pop(key)
    config.auto_scale_lr = {'base_batch_size': 2}  # of the 4 that are trained with
    config.dump('toy.py')
    return 'toy.py'


def test_options_of_the_method(config_file):
    method = ['--rate', '0.5', '--rewind', '4it', '--rewind-what', 'learning_rate']
    assert main(['train', config_file, '--target-sparsity', '0.5', *method]) == 0
    state = record(Path('work_dirs/toy'))
    assert [entry['sparsity'] for entry in state['rounds']] == [0, 0.5]
    assert state['rewind']['iteration'] == 4
    assert state['rewind']['what'] == 'learning_rate'
    assert state['rounds'][0]['learning_rates'] == [[0.1]]


def test_progress(config_file, capsys):
    assert main(['train', config_file, '--progress', '--rounds', '1']) == 0
    assert ', done in ' in capsys.readouterr().out


def test_auto_scale_lr(config_file, capsys):
    assert main(['train', config_file, '--rounds', '1', '--auto-scale-lr']) == 0
    state = record(Path('work_dirs/toy'))
    assert state['rounds'][0]['learning_rates'] == [[0.2]]
    unscaled = ['--cfg-options', 'auto_scale_lr=None', '--work-dir', 'other']
    assert main(['train', config_file, '--auto-scale-lr', *unscaled]) == 1
    assert 'auto_scale_lr.base_batch_size' in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason='there it trains')
def test_amp(config_file):
    # What MMEngine refuses to build here is what --amp has put into the config.
    with pytest.raises(AssertionError, match='AmpOptimizerWrapper'):
        main(['train', config_file, '--amp', '--work-dir', 'work'])
    wrapper = Config.fromfile('work/toy.py').optim_wrapper
    assert (wrapper.type, wrapper.loss_scale) == ('AmpOptimWrapper', 'dynamic')


def test_choices_with_options(config_file, capsys):
    options = ['--score', 'snip,batches=2,at=trained', '--pattern', 'kernel', '--floor', '0']
    options += ['--sparsities', '0.4,0.7', '--work-dir', 'work']
    assert main(['train', config_file, *options]) == 0
    state = record(Path('work'))
    lottery = state['config']['lottery']
    assert lottery['score'] == {'type': 'snip', 'batches': 2, 'at': 'trained'}
    assert (lottery['pattern'], lottery['floor']) == ('kernel', 0)
    assert lottery['sparsities'] == [0.4, 0.7]
    budgets = ['--allocation', 'conv=0.5,depthwise=0.25,fc=0', '--work-dir', 'other']
    assert main(['train', config_file, '--target-sparsity', '0.75', *budgets]) == 1
    assert 'removes 0.4145 of the prunable weights' in capsys.readouterr().err
    assert main(['train', config_file, '--rounds', '1', *budgets]) == 0
    state = record(Path('other'))
    assert state['schedule'] == [304, 178]


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
    'score that nobody registered': (['targets', YOLOX, '--score', 'mine'], 'must be one of grasp'),
    'unknown allocation': (['targets', YOLOX, '--allocation', 'mine'], 'must be one of budgets'),
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
