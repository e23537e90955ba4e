"""What a failed download of pre-trained weights says."""

from urllib.error import URLError

import pytest
from mmengine.config import Config
from mmengine.runner import Runner
from toy import toy_config

from mmlth import LotteryError
from mmlth.engine.configs import explaining_failed_downloads

NOWHERE = 'http://127.0.0.1:9/weights.pth'
TINY = {'init_cfg': {'type': 'Pretrained', 'prefix': 'backbone.', 'checkpoint': NOWHERE}}


def test_a_search_without_a_network_ends_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv('no_proxy', '*')
    runner = Runner.from_cfg(toy_config(tmp_path, load_from=NOWHERE))
    with pytest.raises(LotteryError, match=r'cannot be downloaded: .*--cfg-options load_from=None'):
        runner.train()
    assert not (tmp_path / 'search.json').exists()


@pytest.mark.parametrize(
    ('config', 'key'),
    [
        ({'model': {'backbone': TINY}}, 'model.backbone.init_cfg'),
        ({'model': {'backbone': {'init_cfg': [TINY['init_cfg']]}}}, 'model.backbone.init_cfg.0'),
        ({'model': {'pretrained': 'open-mmlab://resnet50_v1c'}}, 'model.pretrained'),
    ],
)
def test_the_key_that_asks_for_it_is_named(config, key):
    with (
        pytest.raises(LotteryError, match=f'{key} .*--cfg-options {key}=None'),
        explaining_failed_downloads(Config(config)),
    ):
        raise URLError('no network')


def test_other_downloads_are_errors_as_they_are():
    local = {'init_cfg': {'type': 'Pretrained', 'checkpoint': 'weights.pth'}}
    with (
        pytest.raises(URLError),
        explaining_failed_downloads(Config({'model': {'backbone': local}})),
    ):
        raise URLError('of a hook')
