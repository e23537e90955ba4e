"""The config for nuclei as pixels: it builds, and one batch of the converted set has a loss."""

from pathlib import Path

import pytest
import torch
from converters import load_converter
from mmengine.runner import Runner
from repository import CONFIGS, data_set

from mmlth.engine import read_config

pytest.importorskip('mmseg', reason='mmsegmentation is not installed')


def test_a_batch_of_nuclei_has_a_finite_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = read_config(CONFIGS / 'sem_fpn/sem_fpn_r18_nuclei_imp.py')
    load_converter('semantic').convert(data_set('nuclei'), tmp_path / config.data_root)
    monkeypatch.chdir(tmp_path)
    assert config.pop('lottery').target_sparsity >= 0.8
    config.work_dir = str(tmp_path / 'work')
    torch.manual_seed(0)

    runner = Runner.from_cfg(config)
    model = runner.model.train()
    loader = runner.build_dataloader(config.train_dataloader)
    assert len(loader.dataset) == 288
    batch = model.data_preprocessor(next(iter(loader)), training=True)
    assert batch['inputs'].shape == (8, 3, 128, 128)
    assert {int(each.gt_sem_seg.data.max()) for each in batch['data_samples']} == {1}
    total, _ = model.parse_losses(model(**batch, mode='loss'))
    assert torch.isfinite(total)
    assert len(runner.build_dataloader(config.val_dataloader).dataset) == 96
