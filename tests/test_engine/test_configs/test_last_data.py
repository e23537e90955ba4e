"""The training data as they are in the last epochs."""

import pytest
from mmengine.config import Config

from mmlth.engine.configs import last_train_dataloader

FIRST, LAST, OTHER = [{'type': 'Mosaic'}], [{'type': 'Resize'}], {'type': 'Other', 'pipeline': []}


def last(*hooks, epochs=10):
    config = Config(
        {
            'train_cfg': {'max_epochs': epochs},
            'train_dataloader': {'batch_size': 2, 'dataset': {'type': 'Own', 'pipeline': FIRST}},
            'custom_hooks': list(hooks),
        }
    )
    before = config.to_dict()
    loader = last_train_dataloader(config)
    assert config.to_dict() == before
    assert loader.batch_size == 2
    return loader.dataset.to_dict()


@pytest.mark.parametrize(
    ('hook', 'expected'),
    [
        ({'type': 'EMAHook'}, {'type': 'Own', 'pipeline': FIRST}),
        (
            {'type': 'mmdet.PipelineSwitchHook', 'switch_epoch': 9, 'switch_pipeline': LAST},
            {'type': 'Own', 'pipeline': LAST},
        ),
        (
            {'type': 'PipelineSwitchHook', 'switch_epoch': 10, 'switch_pipeline': LAST},
            {'type': 'Own', 'pipeline': FIRST},
        ),
        (
            {'type': 'YOLOXModeSwitchHook', 'num_last_epochs': 5},
            {
                'type': 'Own',
                'pipeline': FIRST,
                'skip_type_keys': ('Mosaic', 'RandomAffine', 'MixUp'),
            },
        ),
        (
            {'type': 'YOLOXModeSwitchHook', 'num_last_epochs': 0},
            {'type': 'Own', 'pipeline': FIRST},
        ),
        (
            {'type': 'YOLOXPoseModeSwitchHook', 'new_train_pipeline': LAST},
            {'type': 'Own', 'pipeline': LAST},
        ),
        (
            {
                'type': 'YOLOXPoseModeSwitchHook',
                'new_train_dataset': OTHER,
                'new_train_pipeline': LAST,
            },
            {'type': 'Other', 'pipeline': LAST},
        ),
    ],
)
def test_what_hooks_switch_to(hook, expected):
    assert last(hook) == expected


def test_a_config_without_training_data_has_none():
    assert last_train_dataloader(Config({})) is None
