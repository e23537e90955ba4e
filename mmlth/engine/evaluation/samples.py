"""Images with objects drawn into them, by MMDetection's and MMPose's own visualizers."""

import copy
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import mmcv
import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import DATASETS, VISUALIZERS, DefaultScope
from mmengine.structures import InstanceData
from numpy.typing import NDArray

from mmlth.engine.default_scope import enter_default_scope, scope_of
from mmlth.engine.errors import LotteryError
from mmlth.quiet import quiet

Objects = Sequence[Mapping[str, Any]]
_VISUALIZERS = {'mmdet': 'DetLocalVisualizer', 'mmpose': 'PoseLocalVisualizer'}


class Samples:
    """The images that a config validates on, drawn with objects of COCO's format.

    Args:
        config: The config; its ``val_dataloader`` is what counts.

    Raises:
        LotteryError: If it is no config of MMDetection or MMPose.
    """

    def __init__(self, config: Config) -> None:
        self._scope = scope_of(config)
        if self._scope not in _VISUALIZERS:
            raise LotteryError(
                'images are drawn by the visualizers of MMDetection and MMPose, but the config has '
                f'default_scope={self._scope!r}'
            )
        self._config = config

    def draw(self, image_id: Any, objects: Objects, coco: Mapping[str, Any]) -> NDArray[Any]:
        """An image with objects in it.

        Args:
            image_id: Its ``id`` in COCO's format.
            objects: Annotations, or results that are sure enough to be shown, of this image.
            coco: The data set, for the classes.

        Returns:
            uint8 [H, W, 3], RGB.

        Raises:
            LotteryError: If the image cannot be found.
        """
        image = self._image(image_id)
        instances = _instances(objects, coco, image.shape[:2])
        sample = self._sample(instances)
        visualizer = self._visualizer
        # In the order of the labels, which need not be that of the config.
        names = tuple(each['name'] for each in coco['categories'])
        visualizer.dataset_meta = {**visualizer.dataset_meta, 'classes': names}
        with quiet():  # a warning of each box that leaves the image
            visualizer.add_datasample('sample', image, sample, draw_gt=True, draw_pred=False)
        return visualizer.get_image()

    def _image(self, image_id: Any) -> NDArray[Any]:
        path = self._paths.get(image_id)
        image = None if path is None else mmcv.imread(path, channel_order='rgb')
        if image is None:
            raise LotteryError(f'image {image_id} cannot be read (its file: {path})')
        return image

    @cached_property
    def _data_set(self) -> Any:
        enter_default_scope(self._config)
        data_set = copy.deepcopy(self._config.val_dataloader.dataset)
        with quiet():
            return DATASETS.build(data_set)

    @cached_property
    def _paths(self) -> dict[Any, str]:
        paths = {}
        for index in range(len(self._data_set)):
            info = self._data_set.get_data_info(index)
            paths[info['img_id']] = info['img_path']
        return paths

    @cached_property
    def _visualizer(self) -> Any:
        with DefaultScope.overwrite_default_scope(self._scope):
            visualizer = VISUALIZERS.build(
                {'type': _VISUALIZERS[self._scope], 'name': f'mmlth_{self._scope}_samples'}
            )
        meta = self._data_set.metainfo
        if self._scope == 'mmpose':
            visualizer.set_dataset_meta(meta)
        else:
            visualizer.dataset_meta = meta
        return visualizer

    def _sample(self, instances: InstanceData) -> Any:
        if self._scope == 'mmpose':
            from mmpose.structures import PoseDataSample as Sample
        else:
            from mmdet.structures import DetDataSample as Sample
        sample = Sample()
        sample.gt_instances = instances
        return sample


def _instances(objects: Objects, coco: Mapping[str, Any], size: tuple[int, ...]) -> InstanceData:
    """Boxes in corners, labels, and masks or keypoints where the objects have them."""
    labels = {each['id']: index for index, each in enumerate(coco['categories'])}
    boxes = np.array([_box(each) for each in objects], dtype=np.float32).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    fields: dict[str, Any] = {
        'bboxes': torch.from_numpy(boxes),
        'labels': torch.tensor([labels[each['category_id']] for each in objects]).long(),
    }
    if any('score' in each for each in objects):
        fields['scores'] = torch.tensor([each['score'] for each in objects])
    if objects and all('keypoints' in each for each in objects):
        points = np.array([each['keypoints'] for each in objects], dtype=np.float32)
        points = points.reshape(len(objects), -1, 3)
        fields['keypoints'] = points[..., :2]
        fields['keypoints_visible'] = (points[..., 2] > 0).astype(np.float32)
        fields['keypoint_scores'] = fields['keypoints_visible']
        fields['bboxes'] = boxes
    elif objects and all(each.get('segmentation') for each in objects):
        masks = [_mask(each['segmentation'], size) for each in objects]
        fields['masks'] = torch.from_numpy(np.stack(masks))
    return InstanceData(**fields)


def _box(each: Mapping[str, Any]) -> Sequence[float]:
    """The box of an object, or one around its keypoints: bottom-up poses have none."""
    if 'bbox' in each:
        return each['bbox']
    points = np.reshape(each['keypoints'], (-1, 3))[:, :2]
    return [*points.min(axis=0), *np.ptp(points, axis=0)]


def _mask(segmentation: Any, size: tuple[int, ...]) -> NDArray[Any]:
    """Polygons or run lengths as bool [H, W]."""
    from pycocotools import mask as rle  # which MMPose's users may not have

    height, width = size
    if isinstance(segmentation, list):
        segmentation = rle.merge(rle.frPyObjects(segmentation, height, width))
    elif isinstance(segmentation['counts'], list):
        segmentation = rle.frPyObjects(segmentation, height, width)
    return rle.decode(segmentation).astype(bool)
