"""Whether data are still those that predictions were made of."""

import os

import pytest
from mmengine.config import Config

from mmlth.engine.evaluation.fingerprint import data_hash


def voc(root):
    """A data set whose boxes are in an XML file an image, beside the images."""
    return Config(
        {
            'val_dataloader': {
                'dataset': {
                    'type': 'VOCDataset',
                    'data_root': f'{root}/',
                    'ann_file': 'VOC2007/ImageSets/Main/test.txt',
                    'data_prefix': {'sub_data_root': 'VOC2007/'},
                }
            },
            'val_evaluator': {'type': 'VOCMetric'},
        }
    )


def coco(root, **data_set):
    """A data set whose annotations are one file; by default all in its folder is data."""
    given = {'data_root': f'{root}/', 'ann_file': 'a.json', 'data_prefix': {'img': ''}, **data_set}
    return Config(
        {
            'val_dataloader': {'dataset': {'type': 'CocoDataset', **given}},
            'val_evaluator': {'type': 'CocoMetric', 'ann_file': f'{root}/a.json'},
        }
    )


@pytest.fixture
def root(tmp_path):
    write(tmp_path / 'VOC2007/ImageSets/Main/test.txt', '1')
    write(tmp_path / 'VOC2007/JPEGImages/1.jpg', 'image')
    write(tmp_path / 'VOC2007/Annotations/1.xml', '<xmin>1</xmin>')
    write(tmp_path / 'a.json', '{}')
    return tmp_path


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize('config', [voc, coco])
@pytest.mark.parametrize(
    ('path', 'text'),
    [
        ('VOC2007/Annotations/1.xml', '<xmin>2</xmin>'),  # as long as before
        ('VOC2007/JPEGImages/1.jpg', 'another'),
        ('VOC2007/JPEGImages/more/2.jpg', 'image'),
        ('VOC2007/ImageSets/Main/test.txt', '2'),
    ],
)
def test_files_in_any_folder_count(root, config, path, text):
    before = data_hash(config(root))
    assert data_hash(config(root)) == before
    write(root / path, text)
    assert data_hash(config(root)) != before


def test_what_is_no_data_does_not_count(root, tmp_path_factory, monkeypatch):
    """Other folders, where the predictions are kept, and where one happens to be."""
    named = coco(root, data_prefix={'img': 'VOC2007/JPEGImages'})
    nowhere = coco(root, data_root='', ann_file=str(root / 'a.json'))
    monkeypatch.chdir(root)
    own = root / 'work/analyze/predictions'
    write(own / '0.zst', '')
    before = data_hash(named), data_hash(coco(root), own), data_hash(nowhere)
    write(own / '1.zst', '')
    write(root / 'work/analyze/report.md', 'page')
    write(root / 'work/search.json', '{}')
    assert (data_hash(named), data_hash(coco(root), own), data_hash(nowhere)) == before
    assert data_hash(coco(root)) != before[1]


def test_the_folder_of_the_predictions_itself_may_hold_data(root):
    inside = coco(root, data_prefix={'img': 'VOC2007'})
    before = data_hash(inside, root / 'VOC2007/predictions')
    write(root / 'VOC2007/JPEGImages/1.jpg', 'another')
    assert data_hash(inside, root / 'VOC2007/predictions') != before


def test_links_are_followed_and_end(root, tmp_path_factory):
    """To a folder elsewhere, to two that hold the links themselves, and to what is gone."""
    elsewhere = tmp_path_factory.mktemp('elsewhere')
    write(elsewhere / 'sub/1.jpg', 'image')
    os.symlink(elsewhere, root / 'VOC2007/linked')
    os.symlink(root, root / 'VOC2007/back')
    os.symlink(root / 'VOC2007', root / 'VOC2007/again')
    os.symlink(root / 'none', root / 'VOC2007/gone.xml')
    before = data_hash(voc(root))
    write(elsewhere / 'sub/1.jpg', 'another')
    assert data_hash(voc(root)) != before


def test_long_texts_count_by_their_size(root):
    """Lest the annotations of every other split be read."""
    config = coco(root, data_prefix={'img': 'VOC2007'})
    write(root / 'VOC2007/all.json', '1' * (2**20 + 1))
    before = data_hash(config)
    write(root / 'VOC2007/all.json', '2' * (2**20 + 1))
    assert data_hash(config) == before
    write(root / 'VOC2007/all.json', '2' * (2**20 + 2))
    assert data_hash(config) != before
    write(root / 'a.json', '[]')  # the data set's own is read, of whatever size
    after = data_hash(config)
    write(root / 'a.json', '{}')
    assert data_hash(config) != after
