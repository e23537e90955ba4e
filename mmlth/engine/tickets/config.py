"""The model config that a ticket carries."""

import importlib.util
import inspect
import re
from collections.abc import Mapping
from typing import Any

from mmengine.config import Config
from mmengine.utils import get_object_from_string

from mmlth.engine.configs import read_config, values_of
from mmlth.engine.errors import LotteryError

_NEEDED = ('model', 'data_preprocessor', 'default_scope')
_NAME = re.compile(r'[A-Za-z]\w*(\.\w+)*')
_PACKAGES = ('mmengine', 'mmcv', 'mmdet', 'mmpose', 'mmseg', 'mmpretrain', 'mmlth', 'torch')
_MODELS = (
    *('mmengine.model.', 'mmcv.cnn.', 'mmcv.ops.', 'mmdet.models.', 'mmpose.models.'),
    *('mmpose.codecs.', 'mmseg.models.', 'mmpretrain.models.', 'mmlth.', 'torch.nn.modules.'),
)


def config_of(info: Mapping[str, Any]) -> Config:
    """What a ticket tells of the config of its model.

    A ticket may come from anywhere, and a config can have any function of any package called. So
    its types must be registered names or classes that models consist of, and nothing that its
    ``custom_imports`` name is imported.

    Raises:
        LotteryError: If the ticket tells no config, or one that names anything else.
    """
    values = info.get('config')
    if not isinstance(values, dict) or not isinstance(values.get('model'), dict):
        raise LotteryError(
            'the ticket does not tell the config of its model; give it (--config of mmlth inspect, '
            'export and soup, CONFIG of mmlth bench), as a file or a name such as '
            'mmdet::FOLDER/CONFIG.py'
        )
    needed = {key: values[key] for key in _NEEDED if values.get(key) is not None}
    if 'default_scope' in values:  # which may be None
        needed['default_scope'] = values['default_scope']
    scopes = [needed.get('default_scope') or 'mmengine', *values_of(needed, '_scope_')]
    refused = [kind for kind in values_of(needed, 'type') if not _is_safe(kind)]
    refused += [scope for scope in scopes if scope not in _PACKAGES]
    if refused:
        raise LotteryError(
            f'the config in the ticket names {refused[0]!r:.60}, which is no part of a model of '
            'the OpenMMLab packages; if you trust it, give the config (--config of mmlth inspect, '
            'export and soup, CONFIG of mmlth bench)'
        )
    return read_config(Config(needed))


def _is_safe(kind: Any) -> bool:
    """Whether a type names something registered, or a class that models consist of by its path.

    What is not registered, registries import and call: a module of this name, any function by its
    path. Some heads evaluate the type of their suppression as Python code.
    """
    if not isinstance(kind, str) or not _NAME.fullmatch(kind):
        return False
    package, dot, _ = kind.partition('.')
    if not dot:
        return importlib.util.find_spec(kind) is None
    if package not in _PACKAGES:
        return False
    named = get_object_from_string(kind)
    if named is None:  # it may be SCOPE.NAME
        return kind.count('.') == 1
    return inspect.isclass(named) and named.__module__.startswith(_MODELS)
