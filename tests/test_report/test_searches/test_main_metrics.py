from collections.abc import Callable

import pytest

from mmlth.engine.evaluation import short_names
from mmlth.report.searches import Round, main_metrics

COCO = ['', '_50', '_75', '_s', '_m', '_l']


@pytest.mark.parametrize(
    ('reported', 'main'),
    [
        (
            [f'coco/{task}_mAP{suffix}' for task in ('bbox', 'segm') for suffix in COCO],
            ['coco/bbox_mAP', 'coco/bbox_mAP_50', 'coco/segm_mAP', 'coco/segm_mAP_50'],
        ),
        (
            ['coco/AP', 'coco/AP .5', 'coco/AP .75', 'coco/AP (M)', 'coco/AR'],
            ['coco/AP', 'coco/AP .5'],
        ),
        (['lvis/bbox_AP', 'lvis/bbox_AP50', 'lvis/bbox_APr'], ['lvis/bbox_AP', 'lvis/bbox_AP50']),
        (['pascal_voc/mAP', 'pascal_voc/AP50'], ['pascal_voc/mAP', 'pascal_voc/AP50']),
        (['aAcc', 'mIoU', 'mAcc'], ['mIoU']),
        (['iou/aAcc', 'iou/mDice', 'iou/mFscore'], ['iou/mDice', 'iou/mFscore']),
        (['PCK', 'AUC', 'EPE'], ['PCK', 'AUC', 'EPE']),
        (list('abcdef'), list('abcd')),
        ([], []),
    ],
)
def test_main_metrics(
    make_round: Callable[..., Round], reported: list[str], main: list[str]
) -> None:
    assert main_metrics([make_round(0, 1000, dict.fromkeys(reported, 0.5))]) == main


def test_metrics_of_later_rounds_count(make_round: Callable[..., Round]) -> None:
    rounds = [make_round(0, 1000, {}), make_round(1, 800, {'coco/AR': 0.1, 'coco/AP': 0.2})]
    assert main_metrics(rounds) == ['coco/AP']


def test_only_a_shared_prefix_is_dropped() -> None:
    assert short_names(['coco/AP', 'coco/AP .5']) == ['AP', 'AP .5']
    assert short_names(['coco/AP', 'crowdpose/AP']) == ['coco/AP', 'crowdpose/AP']
    assert short_names([]) == []
