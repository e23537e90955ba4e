"""The parts of a network that are of its task alone."""

from collections.abc import Iterable

from torch import nn

from mmlth.pruning import is_predictor

TASK_HEADS = ('mask_head', 'mask_iou_head', 'point_head', 'panoptic_head', 'keypoint_head')
_TOP_HEADS = {
    'head',  # of mmpose, and of mmpretrain's classifiers
    *('decode_head', 'auxiliary_head'),  # of mmseg
}
_RPN = 'rpn_head'


def task_heads(model: nn.Module, names: Iterable[str]) -> set[str]:
    """The names that Girish et al. (2021) leave out between tasks.

    These are the box predictor's, and those of the heads of masks, of keypoints and of other tasks;
    the RPN goes along.
    """
    modules = dict(model.named_modules(remove_duplicate=False))
    heads = set()
    for name in names:
        parts = name.split('.')[:-1]
        paths = ['.'.join(parts[:i]) for i in range(len(parts) + 1)]
        ancestors = [(path, modules[path]) for path in paths if path in modules]
        if (
            set(parts[:1]) & _TOP_HEADS
            or set(parts) & set(TASK_HEADS)
            or (_RPN not in parts and is_predictor(name, ancestors))
        ):
            heads.add(name)
    return heads
