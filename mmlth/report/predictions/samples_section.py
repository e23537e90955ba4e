"""Images with what there is to find and what models find."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmlth.engine.evaluation import Samples
from mmlth.report.page import Image, Images, Part, Section
from mmlth.report.predictions.models import Models

SURE = 0.3
"""The score from which on a prediction is drawn, as MMDetection has it."""

_IMAGES = 4
_WIDEST = 640  # pixels
_QUALITY = 80


def samples_section(models: Models) -> Section:
    """A few images, each with the ground truth and with the predictions of each model.

    They are evenly spaced over the data set, so that nobody has chosen them.

    Args:
        models: The dense model first.
    """
    coco, kind = models.data.coco, models.kinds[-1]  # masks rather than boxes
    samples = Samples(models.config)
    shown = {'ground truth': coco['annotations'], **_sure(models, kind)}
    chosen = _chosen(coco['images'])
    parts: list[Part] = [
        f'{len(chosen)} of {len(coco["images"]):,} images, evenly spaced, and predictions with a '
        f'score of {SURE:g} or more.'
    ]
    for number, image in enumerate(chosen):
        images = []
        for title, objects in shown.items():
            own = [each for each in objects if each['image_id'] == image['id']]
            images.append(
                _photo(f'sample_{number}', title, own, samples.draw(image['id'], own, coco))
            )
        parts.append(Images(tuple(images)))
    return Section('Samples', tuple(parts))


def _sure(models: Models, kind: str) -> dict[str, list[dict[str, Any]]]:
    return {
        name: [each for each in results if each['score'] >= SURE]
        for name, results in models.results(kind).items()
    }


def _chosen(images: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    places = np.linspace(0, len(images) - 1, min(_IMAGES, len(images)))
    return [images[round(place)] for place in places]


def _photo(
    name: str, title: str, objects: Sequence[Mapping[str, Any]], image: NDArray[Any]
) -> Image:
    scale = min(1, _WIDEST / image.shape[1])
    if scale < 1:
        size = (round(scale * image.shape[1]), round(scale * image.shape[0]))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode('.jpg', image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    count = f'{len(objects)} object{"" if len(objects) == 1 else "s"}'
    stem = f'{name}_{re.sub(r"[^0-9A-Za-z]+", "_", title).strip("_")}'
    return Image(stem, f'{title}: {count}', f'{title} with {count} drawn in', jpeg.tobytes())
