"""Ground truth of the shared data sets, disturbed by seeded dice: predictions of any quality."""

import json

import numpy as np
from pycocotools import mask as masks
from repository import data_set

SIGMAS = (0.05, 0.05, 0.05, 0.1)
"""For the keypoints of the mouse."""


def ground_truth(name, part='val'):
    part = 'instances' if name == 'coco128' else part
    return json.loads((data_set(name) / f'annotations/{part}.json').read_text())


def first_images(truth, number):
    images = truth['images'][:number]
    shown = {image['id'] for image in images}
    annotations = [a for a in truth['annotations'] if a['image_id'] in shown]
    return {**truth, 'images': images, 'annotations': annotations}


def encoded(segmentation, image):
    """Polygons and plain run lengths as a model's masks are."""
    size = image['height'], image['width']
    if isinstance(segmentation, list):
        return masks.merge(masks.frPyObjects(segmentation, *size))
    plain = isinstance(segmentation['counts'], list)
    return masks.frPyObjects(segmentation, *size) if plain else segmentation


def disturbed(truth, kind, noise, seed=0, confused=0.05):
    """Each object is missed, moved, found twice or called another class now and then.

    Scores are all different.

    Args:
        truth: A COCO data set.
        kind: ``bbox``, ``segm`` or ``keypoints``.
        noise: How far things move, as a share of an object's size; from it, how many are missed.
        seed: Of the dice.
        confused: Share of another class, and of what is found where nothing is.
    """
    dice = np.random.default_rng(seed)
    classes = [category['id'] for category in truth['categories']]
    images = {image['id']: image for image in truth['images']}
    predictions = []
    for annotation in truth['annotations']:
        for _ in range(dice.choice([0, 1, 1, 1, 1, 2]) if noise else 1):
            x, y, w, h = annotation['bbox']
            dx, dy = noise * dice.normal(size=2) * (w, h)
            result = {
                'image_id': annotation['image_id'],
                'category_id': annotation['category_id'],
                'bbox': [x + dx, y + dy, *(np.exp(noise * dice.normal(size=2)) * (w, h))],
                'score': 0.0,
            }
            if dice.random() < confused:
                result['category_id'] = int(dice.choice(classes))
            if dice.random() < confused:
                result['image_id'] = int(dice.choice(list(images)))
            if kind == 'segm':
                mask = masks.decode(encoded(annotation['segmentation'], images[result['image_id']]))
                moved = np.roll(mask, (round(dy), round(dx)), (0, 1))
                result['segmentation'] = masks.encode(np.asfortranarray(moved))
            if kind == 'keypoints':
                points = np.array(annotation['keypoints'], float).reshape(-1, 3)
                points[:, :2] += noise * dice.normal(size=points[:, :2].shape) * np.sqrt(w * h)
                result['keypoints'] = points.ravel().tolist()
            predictions.append(result)
    order = dice.permutation(len(predictions))
    for place, result in zip(order, predictions):
        # Good ones tend to stand before bad ones, as a model's do.
        result['score'] = (place + 1) / (len(predictions) + 1)
    return predictions
