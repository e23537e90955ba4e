"""Which settings of a config decide the result of a search."""

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from types import FunctionType
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

from mmlth.engine.configs.contents import by_content, is_hash, same_content
from mmlth.engine.configs.parts import dotted_name

_BY_THE_RUNNER = (
    *(name for name in inspect.signature(Runner.__init__).parameters),
    # These it looks up in the config itself.
    *('activation_checkpointing', 'compile', 'efficient_conv_bn_eval', 'find_unused_parameters'),
    *('sync_bn', 'runner_type'),
)
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
_LOTTERY_WITHOUT_EFFECT = (
    'checkpoints',
    'progress',
    'rounds_per_run',
    'ticket',
    'validation_loss',
)
_IRRELEVANT_ANYWHERE = {
    'num_workers',
    'persistent_workers',
    'pin_memory',
    'prefetch_factor',
    'overwrite',
}


def result_affecting_config(config: Config, lottery: dict[str, Any]) -> dict[str, Any]:
    """What decides the result, as plain JSON values.

    Neither paths, for which the contents of files stand, nor worker counts, nor keys that no Runner
    reads, such as the variables that a config is written with.

    Args:
        config: The user's config.
        lottery: Its ``lottery`` key with all defaults spelled out.
    """
    return _decisive({**config.to_dict(), 'lottery': lottery}, read=True)


def recorded_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What `result_affecting_config` returned when it was recorded, as it would be now.

    It once held paths, and variables of the config.
    """
    return _decisive(settings, read=False)


def decisive_lottery(lottery: Mapping[str, Any], read: bool = True) -> dict[str, Any]:
    """The part of the ``lottery`` key that decides the result.

    Args:
        lottery: The ``lottery`` key.
        read: Whether files that it names are looked at; see `by_content`.
    """
    kept = {key: item for key, item in lottery.items() if key not in _LOTTERY_WITHOUT_EFFECT}
    return dict(plain_settings(kept, read))


def plain_settings(value: Any, read: bool = True) -> Any:
    """Settings as plain JSON values, without paths and worker counts.

    Args:
        value: Settings, nested.
        read: Whether files that they name are looked at; see `by_content`.
    """
    return by_content(json.loads(json.dumps(_without(value), default=_text)), read)


def differences(before: Any, now: Any) -> list[str]:
    """One line for each setting that differs between two results of `result_affecting_config`.

    Args:
        before: The settings of a search as they were recorded.
        now: The settings as they are now.
    """
    old, new = dict(_leaves(before)), dict(_leaves(now))
    return [
        _difference(key, old, new)
        for key in sorted(old.keys() | new.keys())
        if not (key in old and key in new and same_content(old[key], new[key]))
    ]


def _decisive(settings: Mapping[str, Any], read: bool) -> dict[str, Any]:
    # A Runner of the user's own may read any key.
    settings = {key: value for key, value in settings.items() if not _is_our_runner(key, value)}
    kind = settings.get('runner_type')
    own = kind is not None and not re.fullmatch(r'(mmengine\.(.+\.)?)?Runner', _text(kind))
    kept = {
        key: value
        for key, value in settings.items()
        if (own or key in _BY_THE_RUNNER) and key not in _IRRELEVANT
    }
    hooks = kept.get('default_hooks')
    if isinstance(hooks, Mapping):
        kept['default_hooks'] = {
            key: value
            for key, value in hooks.items()
            if key not in ('logger', 'visualization', 'checkpoint')
        }
    lottery = decisive_lottery(settings.get('lottery') or {}, read)
    return {**plain_settings(kept, read), 'lottery': lottery}


def _is_our_runner(key: str, value: Any) -> bool:
    """Whether it only says that a search runs, which ``lottery`` says as well."""
    # Configs of the newer style import it from wherever it is handed out.
    places = ('mmlth', 'mmlth.engine', 'mmlth.engine.lottery_runner')
    return key == 'runner_type' and _text(value) in [f'{each}.LotteryRunner' for each in places]


def _difference(key: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    if is_hash(old.get(key)) and is_hash(new.get(key)):
        return f'{key}: {getattr(new[key], "path", "it")} holds something else than before'
    before, now = (repr(each[key]) if key in each else 'absent' for each in (old, new))
    return f'{key}: {before} → {now}'


def _without(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _without(v) for k, v in value.items() if k not in _IRRELEVANT_ANYWHERE}
    if isinstance(value, (list, tuple)):
        return [_without(item) for item in value]
    return value


def _text(value: Any) -> str:
    """What stands for a value that is none of JSON's."""
    if isinstance(value, (type, FunctionType)):
        return dotted_name(value)
    return str(value)


def _leaves(value: Any, path: str = '') -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, f'{path}.{key}' if path else str(key))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _leaves(item, f'{path}[{index}]')
    else:
        yield path, value
