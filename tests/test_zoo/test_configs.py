"""Every config that the packages ship opts in with one line and keeps all of its own."""

import importlib.util
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from opting_in import experiments, opt_in

# Those that MMEngine cannot parse without mmlth either, with words of its own error.
NEED_MMPRETRAIN = {
    f'rtmdet/classification/cspnext-{size}_8xb256-rsb-a1-600e_in1k.py': 'mmpretrain'
    for size in ('tiny', 's', 'm', 'l', 'x')
}
BROKEN = {
    'mmdet': {
        'bytetrack/bytetrack_yolox_x_8xb4-amp-80e_crowdhuman-mot17halftrain_test-mot17test.py': (
            'No such file'
        ),
        'sort/faster-rcnn_r50_fpn_8xb2-4e_mot17train_test-mot17train.py': 'does not exist',
        'sort/faster-rcnn_r50_fpn_8xb2-8e_mot20halftrain_test-mot20halfval.py': 'does not exist',
        'sort/faster-rcnn_r50_fpn_8xb2-8e_mot20train_test-mot20train.py': 'does not exist',
    },
    'mmpose': {
        'body_2d_keypoint/edpose/coco/edpose_res50_8xb2-50e_coco-800x1333.py': 'not found',
    },
    'mmseg': {},
    'mmpretrain': {
        **{
            f'replknet/{name}_32xb64_in1k{size}.py': 'lazy_import'
            for name in ('replknet-31B', 'deploy/replknet-31B-deploy')
            for size in ('', '-384px')
        },
        'swin_transformer_v2/swinv2-base-w12_8xb128_in21k-192px.py': 'test_pipeline',
        'swin_transformer_v2/swinv2-large-w12_8xb128_in21k-192px.py': 'test_pipeline',
    },
}


# Both stacks have the same version of mmpose.
@pytest.mark.parametrize(
    'package',
    [
        'mmdet',
        'mmpretrain',
        *(pytest.param(name, marks=pytest.mark.one_stack) for name in ('mmpose', 'mmseg')),
    ],
)
def test_every_config_opts_in_with_one_line(package, capsys):
    pytest.importorskip(package)
    names = experiments(package)
    with ProcessPoolExecutor(os.cpu_count(), get_context('spawn')) as pool:
        results = list(pool.map(opt_in, [package] * len(names), names, chunksize=8))
    problems = {name: result for name, result in zip(names, results) if result is not None}
    with capsys.disabled():
        print(f'\n{package}: {len(names) - len(problems)} of {len(names)} configs opt in')
        for name, (whose, problem) in problems.items():
            print(f'  {name}: {problem} ({whose})')

    expected = dict(BROKEN[package])
    if package == 'mmdet' and importlib.util.find_spec('mmpretrain') is None:
        expected |= NEED_MMPRETRAIN
    assert problems.keys() == expected.keys()
    for name, words in expected.items():
        assert problems[name][0] == 'stack'
        assert words in problems[name][1]
