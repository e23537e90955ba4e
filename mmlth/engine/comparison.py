"""Which settings of a config decide the result of a search."""

import json
from collections.abc import Iterator
from typing import Any

from mmengine.config import Config

_IRRELEVANT = {
    'work_dir',
    'resume',
    'load_from',  # tools reset it when they resume; search.json has it
    'launcher',
    'model_wrapper_cfg',  # on CPUs mmlth sets one
    'env_cfg',
    'log_level',
    'log_processor',
    'visualizer',
    'vis_backends',
    'experiment_name',
    'custom_imports',
    'test_dataloader',
    'test_cfg',
    'test_evaluator',
    'tta_model',
    'tta_pipeline',
}
_OF_THE_RUN = ('checkpoints', 'rounds_per_run', 'ticket', 'validation_loss')
_IRRELEVANT_ANYWHERE = {
    'num_workers',
    'persistent_workers',
    'pin_memory',
    'prefetch_factor',
    'overwrite',
    'data_root',
}


def decisive_settings(config: Config, lottery: dict[str, Any]) -> dict[str, Any]:
    """What decides the result, as plain JSON values: no paths of the run, no worker counts.

    Args:
        config: The user's config.
        lottery: Its ``lottery`` key with all defaults spelled out.
    """
    kept = {key: value for key, value in config.to_dict().items() if key not in _IRRELEVANT}
    kept['lottery'] = decisive_lottery(lottery)
    hooks = kept.get('default_hooks')
    if isinstance(hooks, dict):
        kept['default_hooks'] = {
            key: value
            for key, value in hooks.items()
            if key not in ('logger', 'visualization', 'checkpoint')
        }
    return json.loads(json.dumps(_without(kept), default=str))


def decisive_lottery(lottery: dict[str, Any]) -> dict[str, Any]:
    """The part of the ``lottery`` key that decides the result, as plain JSON values."""
    kept = {key: value for key, value in lottery.items() if key not in _OF_THE_RUN}
    return json.loads(json.dumps(_without(kept), default=str))


def differences(before: Any, now: Any) -> list[str]:
    """One line for each setting that differs between two results of `decisive_settings`."""
    old, new = dict(_leaves(before)), dict(_leaves(now))
    return [
        f'{key}: {old.get(key, "absent")} → {new.get(key, "absent")}'
        for key in sorted(old.keys() | new.keys())
        if old.get(key, '') != new.get(key, '')
    ]


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without(v) for k, v in value.items() if k not in _IRRELEVANT_ANYWHERE}
    if isinstance(value, (list, tuple)):
        return [_without(item) for item in value]
    return value


def _leaves(value: Any, path: str = '') -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, f'{path}.{key}' if path else str(key))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _leaves(item, f'{path}[{index}]')
    else:
        yield path, repr(value)
