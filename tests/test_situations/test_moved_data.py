"""Where data lie is no setting, what they hold is."""

import json
import shutil
from pathlib import Path

import pytest
from kit import search_by
from mmengine.config import Config
from mmengine.registry import DATASETS
from toy import ToyDataset, toy_config

import mmlth
from mmlth import LotteryError, load_ticket
from mmlth.engine.configs.decisive_settings import (
    differences,
    recorded_settings,
    result_affecting_config,
)


@DATASETS.register_module(force=True)
class FileDataset(ToyDataset):
    """A toy whose config names files, as real ones do."""

    def __init__(self, ann_file, data_root='', data_prefix=None, meta=None, **kwargs):
        super().__init__(**kwargs)


def config_at(root, work_dir='work', relative=False):
    """With absolute paths, or with a root, and variables that only the file uses."""
    config = toy_config(work_dir)
    config.lottery.rounds = 1
    config.data_root = f'{root}/'
    config.img_scale = (1333, 800)
    config.pretrained = f'{root}/a.pth'
    for split in ('train', 'val'):
        named = {'ann_file': f'{root}/{split}.json', 'data_prefix': {'img': f'{root}/images'}}
        if relative:
            named = {'data_root': f'{root}/', 'ann_file': f'{split}.json'}
            named |= {'data_prefix': {'img': 'images/'}, 'backend_args': None}
            named.pop('backend_args')
        loader = config[f'{split}_dataloader']
        loader.dataset = {'type': 'FileDataset', **named}
    return config


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = tmp_path / 'data'
    (data / 'images').mkdir(parents=True)
    for split in ('train', 'val'):
        (data / f'{split}.json').write_text(f'{{"{split}": []}}')
    return data


def moved(root):
    to = root.parent / 'other place'
    shutil.move(root, to)
    return to


def test_moved_data_are_the_same(root):
    mmlth.search(config_at(root))
    before = {path.name: path.read_bytes() for path in Path('work/tickets').iterdir()}
    elsewhere = moved(root)
    for place in (elsewhere, elsewhere.name, f'./{elsewhere.name}'):
        for relative in (False, True):
            mmlth.search(config_at(place, relative=relative), resume=True)
    assert {path.name: path.read_bytes() for path in Path('work/tickets').iterdir()} == before
    # Reports and branches look where the data are now.
    config = mmlth.engine.read_config('work/search.json')
    assert elsewhere.name in config.train_dataloader.dataset.data_root


def test_other_annotations_are_others(root):
    mmlth.search(config_at(root))
    elsewhere = moved(root)
    (elsewhere / 'train.json').write_text('{"train": [1]}')
    with pytest.raises(LotteryError) as error:
        mmlth.search(config_at(elsewhere), resume=True)
    told = str(error.value)
    assert f'train_dataloader.dataset.ann_file: {elsewhere}/train.json holds something else' in told
    assert 'val_dataloader' not in told
    assert '\n' not in told


def test_tickets_do_not_tell_where_data_are(root, tmp_path):
    mmlth.search(config_at(root))
    elsewhere = moved(root)
    mmlth.search(config_at(elsewhere, work_dir=tmp_path / 'far/away', relative=True))
    for name in ('round_00', 'round_01'):
        first, second = (
            folder / f'tickets/{name}.safetensors' for folder in (Path('work'), Path('far/away'))
        )
        assert first.read_bytes() == second.read_bytes()
        told = json.dumps(load_ticket(first).info, default=str)
        for place in (tmp_path, root.name + '/', elsewhere.name):
            assert str(place) not in told


def test_a_search_that_recorded_paths_goes_on(root):
    """And variables, as earlier versions did; whatever has become of the old place."""
    mmlth.search(config_at(root))
    path = Path('work/search.json')
    state = json.loads(path.read_text())
    old = json.loads(json.dumps(config_at(root).to_dict()))
    for key in ('work_dir', 'experiment_name', 'custom_imports', 'log_level'):
        del old[key]
    del old['default_hooks']['logger'], old['default_hooks']['checkpoint']
    for split in ('train', 'val'):
        del old[f'{split}_dataloader']['num_workers']
    state['config'] = {**old, 'lottery': state['config']['lottery']}
    del state['accepted_config'], state['load_from_sha256']
    path.write_text(json.dumps(state))
    mmlth.search(config_at(moved(root)), resume=True)
    state['config']['optim_wrapper']['optimizer']['lr'] = 0.3
    path.write_text(json.dumps(state))
    with pytest.raises(LotteryError, match=r'these: optim_wrapper\.optimizer\.lr: 0\.3 → 0\.1; r'):
        mmlth.search(config_at(root.parent / 'other place'), resume=True)


def settings(**values):
    """Of a model's config, where any key counts."""
    return result_affecting_config(Config({'model': {'type': 'X', **values}}), {})


@pytest.mark.parametrize(
    ('before', 'now'),
    [
        ({'checkpoint': '{}/a.pth'}, {'checkpoint': '{}/b.pth'}),  # of the same content
        ({'checkpoint': '{}/a.pth'}, {'checkpoint': 'a.pth'}),
        ({'a': ['{}/images']}, {'a': ['{}/elsewhere']}),
        ({'a': '/gone/x.json'}, {'a': '~/gone/too/x.json'}),
        ({'data_root': 'a'}, {'data_root': 's3://b'}),
        (
            {'backend_args': None},
            {'backend_args': {'backend': 'petrel', 'path_mapping': {'a': 'b'}}},
        ),
        ({'out_dir': 'a'}, {'out_dir': '/b'}),
        ({'steps': [{'num_workers': 1}]}, {'steps': [{'num_workers': 2}]}),
    ],
)
def test_what_is_no_setting(tmp_path, monkeypatch, before, now):
    monkeypatch.chdir(tmp_path)
    for name in ('a.pth', 'b.pth'):
        (tmp_path / name).write_text('weights')
    for name in ('images', 'elsewhere'):
        (tmp_path / name).mkdir()
    old, new = (json.loads(json.dumps(each).replace('{}', str(tmp_path))) for each in (before, now))
    assert differences(settings(**old), settings(**new)) == []
    assert differences(recorded_settings({'model': {'type': 'X', **old}}), settings(**new)) == []


@pytest.mark.parametrize(
    ('before', 'now'),
    [
        ({'checkpoint': 'a.pth'}, {'checkpoint': 'c.pth'}),
        ({'checkpoint': 'torchvision://resnet18'}, {'checkpoint': 'torchvision://resnet50'}),
        ({'from_file': 'configs/coco.py'}, {'from_file': 'configs/crowdpose.py'}),  # of a package
        ({'monitor': 'coco/AP .5'}, {'monitor': 'coco/AP .75'}),
        ({'monitor': 'coco/AP'}, {'monitor': 'crowdpose/AP'}),
        ({'scale': 1}, {'scale': 1.0}),
        ({'flip': 1}, {'flip': True}),
        ({'by': {1: 2}}, {'by': {1: 3}}),
        ({'ann_file': ''}, {'ann_file': 'a.pth'}),
        ({'a': None}, {}),
        ({'remove_root': True}, {'remove_root': False}),
        ({'heatmap_size_root': 64}, {'heatmap_size_root': 32}),
        ({'a': './' + 'x' * 300}, {'a': './' + 'y' * 300}),  # no path can be as long
    ],
)
def test_what_is_a_setting(tmp_path, monkeypatch, before, now):
    monkeypatch.chdir(tmp_path)
    for name in ('a.pth', 'c.pth'):
        (tmp_path / name).write_text(name)
    assert len(differences(settings(**before), settings(**now))) == 1


def folder_of_classes(root, images=True):
    steps = [{'type': 'LoadImageFromFile'}] if images else []
    data_set = {'type': 'CustomDataset', 'data_root': str(root), 'data_prefix': 'train'}
    return Config({'train_dataloader': {'dataset': {**data_set, 'pipeline': steps}}})


def test_a_folder_of_images_counts_where_it_is_all_there_is(tmp_path):
    for place in ('one', 'two'):
        (tmp_path / place / 'train/cat').mkdir(parents=True)
        (tmp_path / place / 'train/cat/1.jpg').write_text('image')

    def found(place, **kwargs):
        return result_affecting_config(folder_of_classes(tmp_path / place, **kwargs), {})

    first = found('one')
    assert differences(first, found('two')) == []
    (tmp_path / 'two/train/dog').mkdir()
    (tmp_path / 'two/train/dog/1.jpg').write_text('image')
    assert len(differences(first, found('two'))) == 1
    # A set that loads no images downloads itself: the folder is not there at first.
    assert found('one', images=False) == found('nowhere', images=False)


def test_variables_do_not_count_but_what_the_runner_reads_does(tmp_path):
    base = toy_config(tmp_path)
    before = result_affecting_config(base, {})
    base.img_scale, base.meta, base.root = (1, 2), {'classes': ('a',)}, 'b'
    assert differences(before, result_affecting_config(base, {})) == []
    for key, value in (
        ('sync_bn', 'torch'),
        ('auto_scale_lr', {'enable': True}),
        ('custom_hooks', [{'type': 'EMAHook'}]),
        ('default_scope', 'mmdet'),
        ('randomness', {'seed': 1}),
        ('compile', True),
    ):
        changed = base.copy()
        changed[key] = value
        assert differences(before, result_affecting_config(changed, {})), key


def test_a_runner_of_the_users_own_may_read_anything():
    given = [Config({'runner_type': 'MyRunner', 'mine': value}) for value in (1, 2)]
    first, second = (result_affecting_config(each, {}) for each in given)
    assert differences(first, second) == ['mine: 1 → 2']


def test_what_was_recorded_stays_as_it_is(root):
    now = result_affecting_config(config_at(root), {'rounds': 1})
    assert recorded_settings(json.loads(json.dumps(now))) == now
    shutil.rmtree(root)
    assert recorded_settings(json.loads(json.dumps(now))) == now


def test_a_search_of_a_stock_runner_config(tmp_path):
    """That names no file at all is as it was."""
    config = toy_config(tmp_path)
    config.lottery.rounds = 1
    state = search_by(config)
    assert state['config']['model'] == {'type': 'ToyModel'}


def test_mmengines_runner_by_its_full_name_reads_no_variables():
    by_name = [
        {'runner_type': name, 'img_scale': n}
        for n, name in enumerate(('Runner', 'mmengine.runner.Runner'))
    ]
    kept = [result_affecting_config(Config(each), {}) for each in by_name]
    assert all('img_scale' not in each for each in kept)
