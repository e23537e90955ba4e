"""Configs that come with mmlth: listed, and copied to where they are edited."""

import json
from pathlib import Path

import pytest
from mmengine.config import Config
from repository import CONFIGS, ROOT

from mmlth.commands.shipped_configs import shipped_configs
from mmlth_cli.main import main

FOLDER = ROOT / 'configs'
FILES = sorted(file.relative_to(FOLDER).as_posix() for file in FOLDER.glob('*/*/*.py'))


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def listed(capsys, *words):
    assert main(['configs', *words, '--json']) == 0
    return json.loads(capsys.readouterr().out)


def test_every_config_is_listed_once_with_its_first_line(capsys):
    entries = listed(capsys)
    assert sorted(entry['file'] for entry in entries) == FILES
    assert len({entry['name'] for entry in entries}) == len(FILES)
    assert main(['configs']) == 0
    printed = capsys.readouterr().out.splitlines()
    for entry in entries:
        first = (FOLDER / entry['file']).read_text().split('\n')[0]
        assert first == f'# {entry["summary"]}'
        (line,) = [line for line in printed if line.split()[:1] == [entry['name']]]
        assert line.split(maxsplit=1)[1].strip() == entry['summary']


@pytest.mark.parametrize('file', FILES)
def test_the_first_line_is_a_sentence(file):
    first = (FOLDER / file).read_text().split('\n')[0]
    assert first.startswith('# ')
    assert first.endswith('.')


def test_groups_are_families_and_folders_of_base_configs(capsys):
    groups = {entry['name']: (entry['group'], entry['package']) for entry in listed(capsys)}
    assert groups['rtmdet_tiny_bccd_study'] == ('rtmdet', 'mmdet')  # its base has a base of the zoo
    assert groups['topdown_heatmap_r18_imp'] == ('topdown_heatmap', 'mmpose')
    assert groups['resnet18_crops_imp'] == ('resnet', 'mmpretrain')
    assert groups['imp'] == ('_base_/lth', None)


def test_the_command_of_the_readme_trains_by_the_config_of_its_name():
    """It is a short name for one that is listed; nothing else lies above the families."""
    (short,) = [
        file for file in FOLDER.glob('**/*.py') if file.relative_to(FOLDER).as_posix() not in FILES
    ]
    assert short == CONFIGS / 'mask_rcnn_r50_imp.py'
    long = Config.fromfile(CONFIGS / 'mask_rcnn/mask_rcnn_r50_imp.py')
    assert Config.fromfile(short).to_dict() == long.to_dict()


def test_words_choose(capsys):
    names = [entry['name'] for entry in listed(capsys, 'mouse', 'Heatmap')]
    study = 'topdown_heatmap_r18_mouse_study'
    assert names == ['topdown_heatmap_r18_mouse_imp', study]
    assert {entry['package'] for entry in listed(capsys, 'mmpretrain')} == {'mmpretrain', None}
    assert main(['configs', 'fine_tuning']) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(
        "_base_/lth, inherited by _base_ = ['ZOO::FOLDER/CONFIG.py', "
        "__import__('mmlth').base_config('NAME')]\n"
    )
    assert '  fine_tuning  No rewinding' in printed


@pytest.mark.parametrize('file', FILES)
def test_a_copy_is_read_from_anywhere_as_the_original(file, tmp_path, capsys):
    (config,) = [config for config in shipped_configs() if config.file == file]
    assert main(['configs', 'copy', config.name]) == 0
    assert capsys.readouterr().out.startswith(f'{config.name}.py: edit it, and ')
    copy = Config.fromfile(f'{config.name}.py')
    assert copy.to_dict() == Config.fromfile(FOLDER / file).to_dict()
    assert [path.name for path in tmp_path.iterdir()] == [f'{config.name}.py']


@pytest.mark.parametrize('file', FILES)
def test_the_line_that_is_listed_inherits(file, tmp_path, capsys):
    (entry,) = [entry for entry in listed(capsys) if entry['file'] == file]
    (tmp_path / 'mine.py').write_text(f'_base_ = [{entry["base"]}]')
    copy = Config.fromfile('mine.py')
    assert copy.to_dict() == Config.fromfile(FOLDER / file).to_dict()


def test_a_copy_keeps_all_but_the_bases(capsys):
    assert main(['configs', 'copy', 'mask_rcnn_r50_imp']) == 0
    lines = (CONFIGS / 'mask_rcnn/mask_rcnn_r50_imp.py').read_text().split('\n')
    copied = Path('mask_rcnn_r50_imp.py').read_text().split('\n')
    changed = [pair for pair in zip(lines, copied, strict=True) if pair[0] != pair[1]]
    zoo = "_base_ = ['mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py', "
    base = "__import__('mmlth').base_config('s1_coco')]"
    assert changed == [(f"{zoo}'../../_base_/lth/s1_coco.py']", zoo + base)]


@pytest.mark.parametrize('name', ['imp', 'imp.py', '_base_/lth/imp.py', 'mmlth::_base_/lth/imp.py'])
@pytest.mark.parametrize('destination', ['mine.py', 'folder', 'folder/mine.py'])
def test_names_and_places(name, destination, tmp_path):
    (tmp_path / 'folder').mkdir()
    assert main(['configs', 'copy', name, destination]) == 0
    written = tmp_path / destination / ('imp.py' if destination == 'folder' else '')
    assert written.read_text() == (FOLDER / '_base_/lth/imp.py').read_text()


def test_nothing_is_overwritten_without_force(tmp_path, capsys):
    (tmp_path / 'imp.py').write_text('mine')
    assert main(['configs', 'copy', 'imp']) == 1
    assert 'imp.py exists; give another name, or have it replaced (--force)' in error(capsys)
    assert (tmp_path / 'imp.py').read_text() == 'mine'
    assert main(['configs', 'copy', 'imp', '--force']) == 0
    assert (tmp_path / 'imp.py').read_text() != 'mine'


BAD = {
    'misspelt name': (['copy', 'rtmdet_tny_imp'], 'nearest: rtmdet_tiny_imp'),
    'unknown name': (['copy', '%%%'], 'mmlth configs lists those there are'),
    'no name': (['copy'], 'takes the name of a config'),
    'too many names': (['copy', 'imp', 'a.py', 'b.py'], 'got imp a.py b.py'),
    'a list while copying': (['copy', 'imp', '--json'], 'got imp --json'),
    'no config': (['copy', 'imp', 'imp.json'], 'ends in .py, got imp.json'),
    'no folder': (['copy', 'imp', 'nowhere/imp.py'], 'there is no folder nowhere'),
    'the config itself': (
        ['copy', 'imp', str(FOLDER / '_base_/lth/imp.py'), '--force'],
        'is read from and cannot be written to',
    ),
    'a word of none': (
        ['rtmdet', 'nucleei'],
        'has rtmdet and nucleei in its line; nearest: nuclei',
    ),
    'force without a copy': (['rtmdet', '--force'], '--force is for mmlth configs copy'),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input_is_one_line(case, tmp_path, capsys):
    arguments, words = BAD[case]
    assert main(['configs', *arguments]) == 1
    assert words in error(capsys)
    assert not list(tmp_path.iterdir())


def error(capsys):
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith('mmlth: ')
    return line
