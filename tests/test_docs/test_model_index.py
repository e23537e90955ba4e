"""The files by which mim lists the configs, and the tables beside them."""

import pandas
import pytest
import yaml
from measured import measured
from mim.commands import search
from model_index import FAMILIES, index_files
from modelindex.load_model_index import load
from repository import CONFIGS, ROOT, installed_configs

FILES = sorted(file.relative_to(ROOT).as_posix() for file in CONFIGS.glob('*/*.py'))
needs_all_zoos = pytest.mark.skipif(
    not {ROOT / file for file in FILES} <= set(installed_configs()),
    reason='a package is not installed whose configs ours inherit',
)


@pytest.fixture(scope='module')
def listed() -> pandas.DataFrame:
    return search.convert2df(load(str(ROOT / 'model-index.yml')))


@needs_all_zoos
def test_the_files_are_what_the_script_writes():
    written = index_files()
    for path, text in written.items():
        assert path.read_text() == text, 'run tools/reference/model_index.py'
    there = {path for name in ('metafile.yml', 'README.md') for path in CONFIGS.glob(f'**/{name}')}
    assert there | {ROOT / 'model-index.yml'} == written.keys()
    assert {path.parent.name for path in there} == FAMILIES.keys()


def test_each_config_is_in_one_metafile_by_its_name():
    models = [
        (model['Config'], model['Name'])
        for name in yaml.safe_load((ROOT / 'model-index.yml').read_text())['Import']
        for model in yaml.safe_load((ROOT / name).read_text())['Models']
    ]
    assert sorted(models) == [(file, file.rpartition('/')[2][: -len('.py')]) for file in FILES]


def test_mim_reads_them(listed):
    assert sorted(listed['config']) == FILES
    assert set(listed['readme']) == {f'{file.rpartition("/")[0]}/README.md' for file in FILES}
    assert all((ROOT / name).is_file() for name in listed['readme'])


def test_mim_chooses_by_model_data_and_result(listed):
    chosen = search.filter_by_models(listed, ['RTMDet'])
    assert list(chosen.index) == sorted(name for name in listed.index if name.startswith('rtmdet'))
    assert set(search.filter_by_training_datasets(listed, ['BCCD'])['training_data']) == {'bccd'}
    good = search.filter_by_conditions(chosen, 'bbox_map_at_80>0.4')
    assert list(good.index) == ['rtmdet_tiny_bccd_study']


def test_the_metrics_of_a_config_are_of_one_source():
    """Of the page of results, where that has them: two runs of a config differ a little."""
    models = yaml.safe_load((CONFIGS / 'rtmdet/metafile.yml').read_text())['Models']
    (study,) = [model for model in models if model['Name'] == 'rtmdet_tiny_bccd_study']
    assert study['Metadata']['Seeds'] == 3
    assert study['Results'][0]['Metrics'] == {
        'bbox_mAP dense': 0.409,
        'bbox_mAP at 50': 0.416,
        'bbox_mAP at 80': 0.418,
        'bbox_mAP at 90': 0.414,
        'bbox_mAP at 95': 0.385,
        'bbox_mAP at 98': 0.247,
    }


def test_numbers_are_those_of_the_pages():
    """A few by hand, one of each kind of source; what was not measured has no number."""
    rows = measured()
    study = {(row.source, row.sparsity): row for row in rows['rtmdet/rtmdet_tiny_bccd_study.py']}
    page = next(source for source, _ in study if 'results.md' in source)
    assert study[page, 0.9].metrics == {'bbox_mAP': '0.414 ± 0.001'}
    (costly,) = [
        row
        for (source, sparsity), row in study.items()
        if source == 'docs/studies/bccd_macs' and round(sparsity, 3) == 0.9
    ]
    assert costly.script == 'tools/study/bccd_macs.sh'
    assert (costly.seeds, costly.metrics) == (3, {'bbox_mAP': '0.412 ± 0.003'})
    assert f'{costly.macs / 319147776:.1%}' == '14.9%'  # as in docs/en/results.md
    boxes_and_masks = rows['mask_rcnn/mask_rcnn_tiny_nuclei_imp.py'][-1]
    assert boxes_and_masks.metrics == {'bbox_mAP': '0.116', 'segm_mAP': '0.098'}
    as_it_is = rows['rtmpose/rtmpose_tiny_mouse_imp.py'][-1]  # not with the layer that goes whole
    assert as_it_is.metrics == {'AP': '0.837'}
    assert 'mask_rcnn/mask_rcnn_r50_coco128_imp.py' not in rows
    assert rows.keys() <= {file.removeprefix('configs/lth/') for file in FILES}
