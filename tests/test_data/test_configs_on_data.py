"""The configs for real data sets: model and pipelines build, and one batch has a finite loss."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from repository import CONFIGS, data_set

HOOKS = {
    'topdown_heatmap/topdown_heatmap_r18_mouse_imp.py': ['SyncBuffersHook'],
    'rtmpose/rtmpose_tiny_mouse_imp.py': ['EMAHook', 'PipelineSwitchHook'],
    'mask_rcnn/mask_rcnn_tiny_nuclei_imp.py': [],
    'rtmdet/rtmdet_tiny_bccd_imp.py': ['EMAHook', 'PipelineSwitchHook'],
}


@pytest.mark.parametrize('name', HOOKS)
def test_a_batch_of_the_set_has_a_finite_loss(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = Config.fromfile(CONFIGS / name)
    monkeypatch.chdir(data_set(Path(config.data_root).name).parents[1])
    assert config.pop('lottery').target_sparsity >= 0.8
    config.work_dir = str(tmp_path)
    for loader in ('train_dataloader', 'val_dataloader'):
        config[loader].batch_size = 2
    torch.manual_seed(0)

    runner = Runner.from_cfg(config)
    init_default_scope(config.default_scope)
    model = runner.model.train()
    batch = next(iter(runner.build_dataloader(config.train_dataloader)))
    losses = model(**model.data_preprocessor(batch, training=True), mode='loss')
    total, _ = model.parse_losses(losses)
    assert torch.isfinite(total)
    total.backward()

    hooks = [type(hook).__name__ for hook in runner.hooks]
    assert set(HOOKS[name]) <= set(hooks)
    if 'mouse' in name:
        data = runner.build_dataloader(config.val_dataloader).dataset
        assert data.metainfo['flip_indices'] == [0, 2, 1, 3]
        assert data.metainfo['sigmas'].shape == (4,)
