"""Which part of a model a weight belongs to, and the named choices made of such parts.

Girish et al. (CVPR 2021, Table 3) prune the backbone, the RPN, the last stage ("Top") and the head
in every union. Here each weight has one such *role*, which goes by the names that OpenMMLab gives
to submodules, then by the folder that their classes come from. The outermost that tells decides,
so that detectors within trackers, distillers and semi-supervised models have the roles they would
have alone, whereas the backbones within a recursive neck are part of the neck.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from torch import nn

from mmlth.pruning.averages import AVERAGED

ROLES = ('backbone', 'neck', 'rpn', 'top', 'head', 'teacher', 'other')
"""The roles, in the order of a forward pass.

``neck`` includes the encoder of a DETR and the pixel decoder of a MaskFormer, ``head`` the decoder
of a DETR and all heads but the RPN. ``top`` is a stage of the backbone that regions of interest
pass (``shared_head`` of a C4 detector). ``teacher`` is a whole model that another learns from: it
is not trained. ``other`` is what neither name nor class tells of.
"""

_NAMES = {
    'backbone': ('backbone', '*_backbone', 'language_model', 'text_encoder'),
    'neck': ('neck', '*_neck', 'encoder'),
    'rpn': ('rpn_head',),
    'head': (
        *('head', 'heads', '*_head', '*_heads', 'decoder'),
        # What makes the queries of a two-stage DETR.
        *('memory_trans_fc', 'pos_trans_fc', 'query_map', 'reference_points_fc'),
    ),
    'teacher': ('teacher', 'teacher_model', 'encoder_k', 'momentum_encoder', 'target_net'),
}
_WITHIN_A_HEAD = {'shared_head': 'top', 'pixel_decoder': 'neck'}
_FOLDERS = {
    'backbones': 'backbone',
    'necks': 'neck',
    'heads': 'head',
    'dense_heads': 'head',
    'roi_heads': 'head',
    'decode_heads': 'head',
    'seg_heads': 'head',
    'tracking_heads': 'head',
}
_RPN = '*RPNHead'  # also where it is the only head, as the ``bbox_head`` of an RPN on its own
_SHORTCUT = re.compile(r'(^|\.)downsample\.\d+\.')  # Swin's downsample.reduction is none

PREDICTORS = 'predictors'
ALL_PREDICTORS = 'all_predictors'
ALL = 'all'


@dataclass(frozen=True)
class Scope:
    """A choice of weights by role.

    Attributes:
        text: The text that it was given as.
        roles: The roles that it holds.
        named: The roles that the model must have.
        only_predictors: Whether it holds nothing but final predictors.
        predictors: Whether it holds the final predictors of its roles.
        all_predictors: Whether it holds those of all other roles as well.
        frozen: Whether it holds weights that are not trained.
        shortcuts: Whether it holds the convolutions on the shortcut of a residual block.
        stem: Whether it holds the first layer of a backbone.
    """

    text: str
    roles: tuple[str, ...] = ROLES
    named: tuple[str, ...] = ()
    only_predictors: bool = False
    predictors: bool = False
    all_predictors: bool = False
    frozen: bool = False
    shortcuts: bool = True
    stem: bool = True


PRESETS = {
    # Girish et al. on COCO: stem and frozen stages as well, no shortcuts, no predictors.
    's1_coco': Scope('s1_coco', ROLES[:5], frozen=True, shortcuts=False),
    # On VOC: the same without the stem, with predictors ("all" of their Table 3).
    's1_voc': Scope('s1_voc', ROLES[:5], predictors=True, frozen=True, shortcuts=False, stem=False),
    # Chen et al.: the whole backbone but its first convolution, heads never.
    's2': Scope('s2', ('backbone',), ('backbone',), frozen=True, stem=False),
}


def read_scope(text: str) -> Scope:
    """Reads ``'backbone+neck'``, ``'all'``, ``'head+predictors'`` or the name of a preset.

    The word ``predictors`` adds the final predictors of the roles beside it (without it they stay
    dense), ``all_predictors`` those of all other roles as well; alone each means all final
    predictors and nothing else.

    Raises:
        ValueError: If a word is unknown; the message lists those that are known.
    """
    if text in PRESETS:
        return PRESETS[text]
    words = [word.strip() for word in text.split('+')]
    for word in words:
        if word in PRESETS:
            raise ValueError(f'{word!r} is a choice of its own and is not joined, got {text!r}')
        valid = (*ROLES, PREDICTORS, ALL_PREDICTORS, ALL)
        if word not in valid:
            raise ValueError(
                f'{word!r} is no role; valid: {", ".join(valid)}, joined by +, '
                f'or one of {", ".join(PRESETS)}'
            )
    named = tuple(role for role in ROLES if role in words)
    all_predictors = ALL_PREDICTORS in words
    predictors = all_predictors or PREDICTORS in words
    return Scope(
        text,
        roles=ROLES if ALL in words or not named else named,
        named=named,
        only_predictors=predictors and not named and ALL not in words,
        predictors=predictors,
        all_predictors=all_predictors,
    )


def role_of(name: str, ancestors: Sequence[tuple[str, nn.Module]]) -> tuple[str, str]:
    """The role of a parameter, and the path of the module that gives it.

    Args:
        name: Full name of the parameter, such as ``roi_head.bbox_head.shared_fcs.0.weight``.
        ancestors: Path and module of all that contains the parameter, from the root (whose path
            is empty) to its owner.
    """
    for index, (path, module) in enumerate(ancestors):
        role = _role(path.rpartition('.')[2], module)
        if role is None:
            continue
        if role == 'head':
            for inner, _ in ancestors[index:]:
                if within := _WITHIN_A_HEAD.get(inner.rpartition('.')[2]):
                    return within, inner
        return role, path
    return 'other', ''


def is_shortcut(name: str) -> bool:
    """Whether a parameter is on the shortcut of a residual block, as in torch's ResNets."""
    return _SHORTCUT.search(name) is not None


def _role(name: str, module: nn.Module) -> str | None:
    classes = type(module).__mro__
    if any(cls.__name__ in AVERAGED for cls in classes):
        return 'teacher'
    by_name = next(
        (
            role
            for role, patterns in _NAMES.items()
            if any(fnmatchcase(name, pattern) for pattern in patterns)
        ),
        None,
    )
    if by_name in (None, 'head') and any(fnmatchcase(cls.__name__, _RPN) for cls in classes):
        return 'rpn'
    return by_name or next(
        (
            _FOLDERS[folder]
            for cls in classes
            for folder in cls.__module__.split('.')
            if folder in _FOLDERS
        ),
        None,
    )
