"""Registries of scope ``mmlth``, children of MMEngine's where it has one.

They are handed out by ``mmlth.registry``. A user's package adds to them with
``@SCORES.register_module()`` and the like, or makes children of them of its own.
"""

from collections.abc import Mapping
from typing import Any

from mmengine.registry import HOOKS as MMENGINE_HOOKS
from mmengine.registry import MODELS as MMENGINE_MODELS
from mmengine.registry import RUNNERS as MMENGINE_RUNNERS
from mmengine.registry import Registry

from mmlth.pruning import CONTROLS as OUR_CONTROLS
from mmlth.pruning import MASKED_CLASSES, allocation, patterns, scores
from mmlth.pruning import METHODS as OUR_METHODS
from mmlth.pruning import SCHEDULES as OUR_SCHEDULES


def _registry(name: str, modules: Mapping[str, Any]) -> Registry:
    registry = Registry(name, scope='mmlth', locations=['mmlth.engine'])
    for key, module in modules.items():
        registry.register_module(name=key, module=module)
    return registry


HOOKS = Registry('hook', parent=MMENGINE_HOOKS, scope='mmlth', locations=['mmlth.engine.hooks'])
RUNNERS = Registry('runner', parent=MMENGINE_RUNNERS, scope='mmlth', locations=['mmlth.engine'])
MODELS = Registry('model', parent=MMENGINE_MODELS, scope='mmlth', locations=['mmlth.engine'])
SCORES = _registry('score', scores.SCORES)
ALLOCATIONS = _registry('allocation', allocation.ALLOCATIONS)
PATTERNS = _registry('pattern', patterns.PATTERNS)
SCHEDULES = _registry('schedule', OUR_SCHEDULES)
CONTROLS = _registry('control', OUR_CONTROLS)
METHODS = _registry('method', OUR_METHODS)

for _class in MASKED_CLASSES:
    MODELS.register_module(name=f'Masked{_class.__name__}', module=_class)
