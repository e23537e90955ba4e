#!/usr/bin/env python
"""Converts the nuclei of YLingT/nucleus-instance-segmentation to COCO tiles with masks."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pycocotools import mask as rle

from mmlth.data import conversion_command, missing
from mmlth.ticket import write_bytes

SOURCE = 'https://github.com/YLingT/nucleus-instance-segmentation'
TABLE = Path('coco_dataset', 'cell_instance_segmentation.json')
SIDE = 1000  # of a slide, in pixels
TILE = 256
STARTS = (0, 248, 496, 744)  # of the tiles in a slide, in either direction
TRAIN_SLIDES = 18
SMALLEST = 20  # pixels; what a tile's edge cuts down to less is dropped
JPEG_QUALITY = 92


def convert(source: Path, out: Path) -> None:
    """Writes ``out/annotations/{train,val}.json`` and the tiles, as JPEG, to ``out/images``.

    Everything is read and checked before anything is written. The bytes of the tiles depend on
    OpenCV's JPEG encoder.

    Args:
        source: A checkout of the public repository.
        out: The folder to make. Files of the same names are replaced.

    Raises:
        FileNotFoundError: If the annotations or a slide are missing.
        ValueError: If the annotations or a slide cannot be used.
        OSError: If a file cannot be written.
    """
    slides = read_annotations(source / TABLE)
    names = sorted(slides)
    splits = {'train': names[:TRAIN_SLIDES], 'val': names[TRAIN_SLIDES:]}
    tiles: dict[str, bytes] = {}
    contents: dict[str, dict[str, Any]] = {}
    for split, members in splits.items():
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        for name in members:
            picture = read_picture(source / TABLE.parent / 'train' / name)
            labels = paint(slides[name], source / TABLE)
            for y, x in corners():
                window = (slice(y, y + TILE), slice(x, x + TILE))
                file_name = f'{Path(name).stem}_{y:04d}_{x:04d}.jpg'
                image = dict(id=len(images), file_name=file_name, width=TILE, height=TILE)
                tiles[file_name] = to_jpeg(picture[window])
                for mask in cut(labels[window]):
                    annotations.append(
                        annotation(int(image['id']), mask, annotation_id=len(annotations) + 1)
                    )
                images.append(image)
        contents[split] = coco(images, annotations)

    for file_name, data in tiles.items():
        write_bytes(out / 'images' / file_name, data)
    for split, content in contents.items():
        write_bytes(out / 'annotations' / f'{split}.json', json.dumps(content).encode())
        print(
            f'{split}: {len(content["images"])} tiles, {len(content["annotations"])} nuclei',
            flush=True,
        )


def read_annotations(path: Path) -> dict[str, list[Any]]:
    """Reads the source's COCO file.

    Returns:
        For each slide, by file name, the polygons of its objects in the order of the file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a COCO file of slides of ``SIDE`` pixels, or has too few.
    """
    if not path.is_file():
        raise missing(path, SOURCE)
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise ValueError(f'{path} is not JSON: {error}') from error
    try:
        names = {image['id']: Path(image['file_name']).name for image in content['images']}
        sizes = {(image['width'], image['height']) for image in content['images']}
        slides: dict[str, list[Any]] = {name: [] for name in names.values()}
        for item in content['annotations']:
            slides[names[item['image_id']]].append(item['segmentation'])
    except (KeyError, TypeError) as error:
        raise ValueError(f'{path} is not a COCO file: {type(error).__name__} {error}') from error
    if sizes != {(SIDE, SIDE)} or len(slides) <= TRAIN_SLIDES:
        raise ValueError(
            f'{path}: expected more than {TRAIN_SLIDES} slides of {SIDE} x {SIDE} pixels, got '
            f'{len(slides)} of {sorted(sizes)}'
        )
    return slides


def read_picture(path: Path) -> np.ndarray:
    """Reads a slide, as OpenCV has pictures: height, width, channels (blue, green, red).

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If OpenCV cannot read it or its size is another.
    """
    if not path.is_file():
        raise missing(path, SOURCE)
    raw = np.frombuffer(path.read_bytes(), np.uint8)
    picture = cv2.imdecode(raw, cv2.IMREAD_COLOR) if raw.size else None
    if picture is None or picture.shape[:2] != (SIDE, SIDE):
        got = 'no picture' if picture is None else 'x'.join(map(str, picture.shape[1::-1]))
        raise ValueError(f'{path}: expected a picture of {SIDE}x{SIDE} pixels, got {got}')
    return picture


def paint(objects: list[Any], path: Path) -> np.ndarray:
    """Draws the objects of a slide, each with its number from 1, later ones over earlier ones.

    Args:
        objects: The polygons of each.
        path: Where they are from, for the error message.

    Returns:
        The number at each pixel, 0 for background; (SIDE, SIDE).

    Raises:
        ValueError: If an object has no polygon.
    """
    labels = np.zeros((SIDE, SIDE), np.int32)
    for number, polygons in enumerate(objects, 1):
        if not _are_polygons(polygons):
            raise ValueError(f'{path}: not a list of polygons: {polygons!r:.60}')
        draw(labels, polygons, number)
    return labels


def draw(labels: np.ndarray, polygons: list[list[float]], number: int) -> None:
    """Sets the pixels of ``polygons``, as pycocotools sees them, to ``number``."""
    points = np.reshape([value for polygon in polygons for value in polygon], (-1, 2))
    # pycocotools decodes whole pictures only, which would take most of the time.
    left, top = np.maximum(np.floor(points.min(0)).astype(int) - 1, 0)
    right, bottom = np.minimum(np.ceil(points.max(0)).astype(int) + 1, SIDE)
    width, height = int(right - left), int(bottom - top)
    if width < 1 or height < 1:
        return
    corner = (int(left), int(top))
    moved = [[value - corner[i % 2] for i, value in enumerate(polygon)] for polygon in polygons]
    mask = rle.decode(rle.merge(rle.frPyObjects(moved, height, width)))
    labels[top:bottom, left:right][mask.astype(bool)] = number


def _are_polygons(value: object) -> bool:
    """Whether it is a list of lists x, y, x, y, …; four numbers would be a box to pycocotools."""
    return (
        isinstance(value, list)
        and len(value) > 0
        and all(
            isinstance(polygon, list)
            and len(polygon) >= 6
            and len(polygon) % 2 == 0
            and all(isinstance(v, int | float) and abs(v) <= 2 * SIDE for v in polygon)
            for polygon in value
        )
    )


def corners() -> Iterator[tuple[int, int]]:
    """The top and left edges of the tiles, row by row."""
    for y in STARTS:
        for x in STARTS:
            yield y, x


def cut(labels: np.ndarray) -> Iterator[np.ndarray]:
    """The masks of the objects in a tile that have at least ``SMALLEST`` pixels there."""
    numbers, counts = np.unique(labels, return_counts=True)
    for number in numbers[(numbers > 0) & (counts >= SMALLEST)]:
        yield labels == number


def to_jpeg(picture: np.ndarray) -> bytes:
    """A picture as JPEG."""
    return cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()


def annotation(image_id: int, mask: np.ndarray, annotation_id: int) -> dict[str, Any]:
    """The COCO annotation of one object."""
    encoded = rle.encode(np.asfortranarray(mask, np.uint8))
    return dict(
        image_id=image_id,
        category_id=1,
        bbox=rle.toBbox(encoded).tolist(),
        area=float(rle.area(encoded)),
        iscrowd=0,
        segmentation=dict(size=[TILE, TILE], counts=encoded['counts'].decode()),
        id=annotation_id,
    )


def coco(images: list[dict[str, Any]], annotations: list[dict[str, Any]]) -> dict[str, Any]:
    """The content of a COCO file."""
    return dict(
        info=dict(
            description='H&E nuclei tiles',
            source='YLingT/nucleus-instance-segmentation',
            license='see the source repository; research use',
        ),
        licenses=[],
        images=images,
        annotations=annotations,
        categories=[dict(id=1, name='nucleus')],
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line ``argv`` (default: the process's); returns the exit code."""
    description = (
        'Converts a set of stained nuclei (24 slides, 1 class) to COCO format with '
        'masks, in overlapping tiles of 256 pixels: OUT/annotations/{train,val}.json and '
        f'OUT/images. Get the source with: git clone {SOURCE}'
    )
    return conversion_command('nuclei', description, SOURCE, convert, argv)


if __name__ == '__main__':
    sys.exit(main())
