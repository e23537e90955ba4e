"""Which models can be taught by their outputs, and how far apart two such outputs are."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from mmengine.runner import Runner
from torch import Tensor, nn

from mmlth.engine.distillation.formulas import (
    bin_loss,
    dense_loss,
    heatmap_loss,
    joint_logits,
    region_loss,
)
from mmlth.engine.errors import LotteryError
from mmlth.engine.models import bare_model

# By the names of their classes, since a package may be missing; classes derived from them count.
_HEATMAPS, _NO_HEATMAPS = {'HeatmapHead'}, {'AssociativeEmbeddingHead', 'Heatmap3DHead'}
_SQUARED = {'KeypointMSELoss', 'KeypointOHKMMSELoss'}
_BINS = {'SimCCHead', 'RTMCCHead', 'RTMWHead'}
_DENSE = {'AnchorHead', 'AnchorFreeHead', 'YOLOXHead'}
_NOT_DENSE = {
    'ATSSVLFusionHead',  # looks at a text, too
    'AutoAssignHead',  # its classes count only with what it says of objects, at places it learns
    'GuidedAnchorHead',  # looks at other places when it is evaluated
    'LADHead',  # has a teacher
    'LDHead',  # has a teacher
    'MaskFormerHead',  # has queries
    'StageCascadeRPNHead',  # looks where the stage before has said
    'TOODHead',  # gives probabilities, not logits
}
_REGIONS = {'StandardRoIHead'}
_NOT_REGIONS = {
    'MultiInstanceRoIHead',  # two sets of classes a region
    'PISARoIHead',  # classifies several sets of regions a batch
    'TridentRoIHead',  # three branches in training, one in evaluation
}
_PIXELS = {'BaseDecodeHead'}
_NOT_PIXELS = {
    'BaseCascadeDecodeHead',  # looks at what the stage before has said
    'DAHead',  # three maps
    'DDRHead',  # two maps
    'EncHead',  # says which classes are in the image, too
    'IterativeDecodeHead',  # a map a stage
    'PIDHead',  # three maps
    'SideAdapterCLIPHead',  # has queries
    'VPDDepthHead',  # gives depths
}
TAUGHT = (
    "heatmaps (HeatmapHead), SimCC (SimCCHead, RTMCCHead, RTMWHead), the classes of MMDetection's "
    'dense heads (AnchorHead, AnchorFreeHead and YOLOXHead, such as those of RetinaNet, RTMDet, '
    'FCOS), of the regions of two-stage detectors (StandardRoIHead) and of the pixels of '
    "MMSegmentation's decode heads with one map of logits (such as FCNHead, PSPHead, UPerHead)"
)


@dataclass(frozen=True)
class Lesson:
    """What a model is taught.

    Attributes:
        module: The name of the head within the model.
        method: The method of the head that gives what is compared. Its first argument is the
            features; the teacher gets its own, and the student's other arguments.
        loss: Compares what the method returned to the student and to the teacher.
    """

    module: str
    method: str
    loss: Callable[[Any, Any], Tensor]


def lesson_for(runner: Runner, temperature: float) -> Lesson:
    """What the model of a training can be taught.

    Args:
        runner: The Runner of the training.
        temperature: See `lesson_of`.

    Raises:
        LotteryError: As `lesson_of`, or if the training step is compiled.
    """
    if runner.cfg.get('compile') not in (None, False):  # an empty dict compiles, too
        raise LotteryError(
            f'distillation adds to the losses of a batch, which a compiled training step '
            f'(compile={runner.cfg.compile}) does not notice; set compile=False, or leave '
            'distillation out'
        )
    return lesson_of(bare_model(runner), temperature)


def lesson_of(model: nn.Module, temperature: float = 1.0) -> Lesson:
    """What a model can be taught.

    Args:
        model: A model of MMDetection, MMPose or MMSegmentation, without a wrapper.
        temperature: Divides logits; see `mmlth.engine.distillation.formulas`.

    Raises:
        LotteryError: If its outputs are none of which it is plain how to compare them.
    """
    for name, find in (
        ('roi_head', _of_regions),
        ('bbox_head', _of_dense_head),
        ('head', _of_pose_head),
        ('decode_head', _of_decode_head),
    ):
        head = getattr(model, name, None)
        if head is not None and hasattr(model, 'extract_feat'):
            return find(name, head, temperature)
    raise _refused(type(model).__name__, 'it has none of the heads that are taught')


def _of_pose_head(name: str, head: Any, temperature: float) -> Lesson:
    kinds = _kinds(head)
    own: Any = getattr(head, 'loss_module', None)
    loss = type(own).__name__
    if kinds & _HEATMAPS and not kinds & _NO_HEATMAPS:
        if loss not in _SQUARED:
            raise _refused(
                f'{type(head).__name__} with {loss}', 'the loss is no squared difference'
            )
        if temperature != 1:
            raise LotteryError(
                f'a temperature softens probabilities, of which {type(head).__name__} gives none, '
                f'got {temperature}; leave it out'
            )
        return Lesson(name, 'forward', _scaled(heatmap_loss, own))
    if kinds & _BINS:
        if loss != 'KLDiscretLoss':
            raise _refused(f'{type(head).__name__} with {loss}', 'the loss is no KLDiscretLoss')
        return Lesson(name, 'forward', functools.partial(_of_axes, temperature, own))
    raise _refused(type(head).__name__)


def _of_dense_head(name: str, head: Any, temperature: float) -> Lesson:
    kinds = _kinds(head)
    if not kinds & _DENSE or kinds & _NOT_DENSE:
        raise _refused(type(head).__name__)
    scores = _joint_scores if 'YOLOXHead' in kinds else _class_scores

    def loss(student: Any, teacher: Any) -> Tensor:
        student_scores = scores(student, head.cls_out_channels)
        teacher_scores = scores(teacher, head.cls_out_channels)
        return dense_loss(
            student_scores, teacher_scores, temperature, exclusive=not head.use_sigmoid_cls
        )

    return Lesson(name, 'forward', _scaled(loss, getattr(head, 'loss_cls', None)))


def _of_regions(name: str, head: Any, temperature: float) -> Lesson:
    kinds, box_head = _kinds(head), getattr(head, 'bbox_head', None)
    if not kinds & _REGIONS or kinds & _NOT_REGIONS:
        raise _refused(type(head).__name__)
    own = getattr(box_head, 'loss_cls', None)
    plain = not (getattr(own, 'use_sigmoid', False) or getattr(own, 'custom_cls_channels', False))
    if own is None or not getattr(box_head, 'with_cls', True) or not plain:
        raise _refused(
            f'{type(head).__name__} with {type(own).__name__}', 'the classes are no softmax'
        )

    def loss(student: Any, teacher: Any) -> Tensor:
        return region_loss(student['cls_score'], teacher['cls_score'], temperature)

    return Lesson(name, '_bbox_forward', _scaled(loss, own))


def _of_decode_head(name: str, head: Any, temperature: float) -> Lesson:
    kinds = _kinds(head)
    if not kinds & _PIXELS or kinds & _NOT_PIXELS:
        raise _refused(type(head).__name__)
    losses = head.loss_decode if isinstance(head.loss_decode, nn.ModuleList) else [head.loss_decode]
    own = next((each for each in losses if type(each).__name__ == 'CrossEntropyLoss'), None)
    if own is None or own.use_sigmoid:
        names = ', '.join(type(each).__name__ for each in losses)
        raise _refused(f'{type(head).__name__} with {names}', 'the classes are no softmax')

    def loss(student: Any, teacher: Any) -> Tensor:
        return region_loss(_pixel_scores(student), _pixel_scores(teacher), temperature)

    return Lesson(name, 'forward', _scaled(loss, own))


def _of_axes(temperature: float, own: Any, student: Any, teacher: Any) -> Tensor:
    """The loss of both axes of SimCC, keypoints weighted as the head's own loss does it."""
    weights = torch.ones(student[0].shape[1])
    if getattr(own, 'mask', None) is not None:
        weights[own.mask] = own.mask_weight
    axes = [bin_loss(*pair, temperature, own.beta, weights) for pair in zip(student, teacher)]
    return torch.stack(axes).sum()


def _class_scores(outputs: Sequence[Any], classes: int) -> Tensor:
    """The logits (places, classes) of all levels, of outputs whose first are the class maps."""
    return torch.cat([level.permute(0, 2, 3, 1).reshape(-1, classes) for level in outputs[0]])


def _pixel_scores(maps: Tensor) -> Tensor:
    """The logits (places, classes) of one map."""
    return maps.movedim(1, -1).flatten(0, -2)


def _joint_scores(outputs: Sequence[Any], classes: int) -> Tensor:
    """The logits of class and object at once, of outputs whose first and third are their maps."""
    return joint_logits(_class_scores(outputs, classes), _class_scores(outputs[2:], 1))


def _scaled(loss: Callable[[Any, Any], Tensor], own: Any) -> Callable[[Any, Any], Tensor]:
    """A loss that is multiplied by the weight that the head's own loss has."""
    weight = float(getattr(own, 'loss_weight', 1.0))
    return lambda student, teacher: weight * loss(student, teacher)


def _kinds(head: Any) -> set[str]:
    """The names of the classes of the packages that a head is one of."""
    packages = ('mmdet', 'mmpose', 'mmseg')
    return {c.__name__ for c in type(head).__mro__ if c.__module__.partition('.')[0] in packages}


def _refused(what: str, why: str = '') -> LotteryError:
    reason = f' ({why})' if why else ''
    return LotteryError(
        f'distillation does not teach {what}{reason}; it teaches {TAUGHT}; leave lottery.distil, '
        'or the DistilHook, out'
    )
