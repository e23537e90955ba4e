"""Registries of scope ``mmlth``, children of MMEngine's where it has one.

A user's package adds to them with ``@SCORES.register_module()``, ``@ALLOCATIONS…``,
``@PATTERNS…``, ``@CONTROLS…`` or ``@HOOKS…`` and names the result in ``lottery``.
"""

from mmengine.registry import HOOKS as MMENGINE_HOOKS
from mmengine.registry import MODELS as MMENGINE_MODELS
from mmengine.registry import Registry

from mmlth.pruning import allocation, controls, patterns, scores
from mmlth.pruning import masked_modules as masked

HOOKS = Registry('hook', parent=MMENGINE_HOOKS, scope='mmlth', locations=['mmlth.engine.hooks'])
MODELS = Registry('model', parent=MMENGINE_MODELS, scope='mmlth', locations=['mmlth.engine'])
SCORES = Registry('score', scope='mmlth', locations=['mmlth.engine'])
ALLOCATIONS = Registry('allocation', scope='mmlth', locations=['mmlth.engine'])
PATTERNS = Registry('pattern', scope='mmlth', locations=['mmlth.engine'])
CONTROLS = Registry('control', scope='mmlth', locations=['mmlth.engine'])

for _registry, _own in (
    (SCORES, scores.SCORES),
    (ALLOCATIONS, allocation.ALLOCATIONS),
    (PATTERNS, patterns.PATTERNS),
):
    for _name, _choice in _own.items():
        _registry.register_module(name=_name, module=_choice)
for _name, _control in {
    'random': controls.random_mask,
    'random_layerwise': controls.random_layerwise,
    'permuted': controls.permuted,
    'complement': controls.complement,
    'noise': controls.noise,
}.items():
    CONTROLS.register_module(name=_name, module=_control)
for _class in (
    masked.MaskedConv1d,
    masked.MaskedConv2d,
    masked.MaskedConv3d,
    masked.MaskedConvTranspose1d,
    masked.MaskedConvTranspose2d,
    masked.MaskedConvTranspose3d,
    masked.MaskedLinear,
):
    MODELS.register_module(name=f'Masked{_class.__name__}', module=_class)
