"""A mistyped config: only what can be searched is offered in its place."""

import re

import pytest

from mmlth.engine import LotteryError
from mmlth.engine.configs.reading import read_config


def offered(name):
    """The names that the error for a mistyped one offers; each of them can be read."""
    with pytest.raises(LotteryError) as caught:
        read_config(name)
    names = re.split(r'nearest: |did you mean ', str(caught.value))[1].rstrip('?').split(', ')
    for each in names:
        assert read_config(each).model
    return names


@pytest.mark.parametrize(
    ('name', 'near'),
    [
        ('mmdet::rtmdet/rtmdet_tt.py', 'mmdet::rtmdet/rtmdet_'),
        ('mmdet::rtmdet/rtmdet_tiny_8xb32-300e_coc.py', 'mmdet::rtmdet/rtmdet'),
        ('mmdet::yolox_tta_8xb8.py', 'mmdet::yolox/yolox_'),
        ('mmdet::faster_rcnn_r50_fpn.py', 'mmdet::'),
        ('mmlth::lth/rtmdet_tiny_im.py', 'mmlth::lth/'),
    ],
)
def test_of_a_zoo(name, near):
    names = offered(name)
    assert all(each.startswith(near) for each in names)
    assert not any('tta' in each or '_base_' in each for each in names)


PARTS = {
    'rtmdet_s.py': 'model = dict(type="A")',
    'rtmdet_m.py': '_base_ = ["./rtmdet_tta.py", "./rtmdet_s.py"]',
    'rtmdet_l.py': "_base_ = [\n    'rtmdet_m.py',\n]",
    'rtmdet_x.py': "_base_ = './rtmdet_l.py'",
    'rtmdet_tta.py': 'tta_model = dict(type="T")\nimg_scales = []',
    'rtmdet_z.py': "_base_ = './rtmdet_tta.py'",
    'rtmdet_y.py': "_base_ = './rtmdet_gone.py'",
    'rtmdet_w.py': "_base_ = './rtmdet_w.py'",
}


@pytest.mark.parametrize('name', list(PARTS))
def test_beside_a_file(tmp_path, name):
    for file, text in PARTS.items():
        (tmp_path / file).write_text(text)
    wanted = tmp_path / f'{name.removesuffix(".py")}q.py'
    searchable = {str(tmp_path / f'rtmdet_{size}.py') for size in 'smlx'}
    assert set(offered(str(wanted))) <= searchable


def test_where_none_is_left(tmp_path):
    with pytest.raises(LotteryError, match='its configs lie in'):  # one of that name is a part
        read_config('mmdet::commn/lsj-100e_coco-detection.py')
    (tmp_path / 'rtmdet_tta.py').write_text(PARTS['rtmdet_tta.py'])
    with pytest.raises(LotteryError, match=r'does not exist .*; give a file, or a name such as'):
        read_config(tmp_path / 'rtmdet_tt.py')
