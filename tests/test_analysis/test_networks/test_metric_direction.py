"""Which metrics are better when they are lower."""

import pytest

from mmlth.analysis.networks import lower_is_better


@pytest.mark.parametrize(
    'metric',
    ['NME', 'EPE', 'MPJPE', 'val/loss', 'depth/abs_rel', 'rmse', 'rmse_log', 'log10', 'silog'],
)
def test_errors_and_losses(metric: str) -> None:
    assert lower_is_better(metric)


@pytest.mark.parametrize('metric', ['coco/bbox_mAP', 'PCK', 'mIoU', 'aAcc', 'mDice', 'd1'])
def test_accuracies(metric: str) -> None:
    assert not lower_is_better(metric)
