#!/usr/bin/env python
"""Converts the BCCD set of blood cells from Pascal VOC to COCO format."""

import json
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmlth.data import conversion_command, missing
from mmlth.ticket import write_bytes

SOURCE = 'https://github.com/Shenggan/BCCD_Dataset'
SPLITS = ('train', 'val', 'test')
CLASSES = ('RBC', 'WBC', 'Platelets')


def convert(source: Path, out: Path) -> None:
    """Writes ``out/annotations/{train,val,test}.json`` and copies the images to ``out/images``.

    Everything is read and checked before anything is written.

    Args:
        source: A checkout of the public repository.
        out: The folder to make. Files of the same names are replaced.

    Raises:
        FileNotFoundError: If a list, an annotation or an image is missing.
        ValueError: If an annotation cannot be used.
        OSError: If a file cannot be written.
    """
    sets = {split: read_split(source, split) for split in SPLITS}
    for split, (content, dropped) in sets.items():
        for image in content['images']:
            data = (source / 'BCCD' / 'JPEGImages' / image['file_name']).read_bytes()
            write_bytes(out / 'images' / image['file_name'], data)
        write_bytes(out / 'annotations' / f'{split}.json', json.dumps(content).encode())
        counts = Counter(CLASSES[a['category_id'] - 1] for a in content['annotations'])
        print(
            f'{split}: {len(content["images"])} images; '
            + ', '.join(f'{counts[name]} {name}' for name in CLASSES)
            + f'; without area, dropped: {dropped}',
            flush=True,
        )


def read_split(source: Path, split: str) -> tuple[dict[str, Any], int]:
    """The COCO content of one split, in the order of its list, and how many boxes were dropped.

    Args:
        source: A checkout of the public repository.
        split: One of ``SPLITS``.

    Raises:
        FileNotFoundError: If the list, an annotation or an image is missing.
        ValueError: If an annotation cannot be used.
    """
    root = source / 'BCCD'
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    dropped = 0
    names = _read(root / 'ImageSets' / 'Main' / f'{split}.txt').decode(errors='replace').split()
    for image_id, name in enumerate(names):
        picture = root / 'JPEGImages' / f'{name}.jpg'
        if not picture.is_file():
            raise missing(picture, SOURCE)
        (width, height), objects = read_voc(root / 'Annotations' / f'{name}.xml')
        images.append(dict(id=image_id, file_name=picture.name, width=width, height=height))
        for category_id, corners in objects:
            box = clip(corners, width, height)
            if box is None:
                dropped += 1
                continue
            annotations.append(
                dict(
                    image_id=image_id,
                    category_id=category_id,
                    bbox=list(box),
                    area=box[2] * box[3],
                    iscrowd=0,
                    id=len(annotations) + 1,
                )
            )
    content = dict(
        info=dict(description='BCCD blood cells', source='Shenggan/BCCD_Dataset', license='MIT'),
        licenses=[],
        images=images,
        annotations=annotations,
        categories=[dict(id=i + 1, name=name) for i, name in enumerate(CLASSES)],
    )
    return content, dropped


def read_voc(path: Path) -> tuple[tuple[int, int], list[tuple[int, tuple[int, int, int, int]]]]:
    """Reads one Pascal VOC annotation.

    Returns:
        The width and height of the image, and for each object its category id (from 1, in the
        order of ``CLASSES``) and its xmin, ymin, xmax, ymax, all in pixels as the file has them.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not XML, a number is missing or not an integer, the image has no
            area, or a class is unknown.
    """
    try:
        # It opens no external entities, and expat refuses those that explode.
        root = ElementTree.fromstring(_read(path))  # noqa: S314
    except ElementTree.ParseError as error:
        raise ValueError(f'{path} is not XML: {error}') from error

    def integer(element: ElementTree.Element, tag: str) -> int:
        text = element.findtext(tag)
        try:
            return int(text or '')
        except ValueError as error:
            where = f'<{element.tag}>/{tag}'
            raise ValueError(f'{path}: {where} must be an integer, got {text!r}') from error

    objects = []
    for item in root.iter('object'):
        name = item.findtext('name')
        if name not in CLASSES:
            raise ValueError(f'{path}: unknown class {name!r}; expected {", ".join(CLASSES)}')
        xmin, ymin, xmax, ymax = (
            integer(item, f'bndbox/{tag}') for tag in ('xmin', 'ymin', 'xmax', 'ymax')
        )
        objects.append((CLASSES.index(name) + 1, (xmin, ymin, xmax, ymax)))
    width, height = integer(root, 'size/width'), integer(root, 'size/height')
    if width < 1 or height < 1:
        raise ValueError(f'{path}: the image must have an area, got {width} x {height} pixels')
    return (width, height), objects


def clip(
    corners: tuple[int, int, int, int], width: int, height: int
) -> tuple[int, int, int, int] | None:
    """Clips a box to the image; None if nothing is left of it.

    The public set has two boxes without area (images 338 and 343), which are slips of the mouse.

    Args:
        corners: xmin, ymin, xmax, ymax in pixels.
        width: The width of the image, in pixels.
        height: Likewise.

    Returns:
        x, y, xmax - xmin, ymax - ymin.
    """
    xmin, ymin, xmax, ymax = corners
    xmin, ymin, xmax, ymax = max(xmin, 0), max(ymin, 0), min(xmax, width), min(ymax, height)
    if xmax <= xmin or ymax <= ymin:
        return None
    return xmin, ymin, xmax - xmin, ymax - ymin


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise missing(path, SOURCE)
    return path.read_bytes()


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line ``argv`` (default: the process's); returns the exit code."""
    description = (
        'Converts the BCCD set of blood cells (364 images, 3 classes) to COCO format: '
        'OUT/annotations/{train,val,test}.json and OUT/images. Boxes are clipped to their image; '
        'boxes without area are dropped. '
        f'Get the source with: git clone {SOURCE}'
    )
    return conversion_command('bccd', description, SOURCE, convert, argv)


if __name__ == '__main__':
    sys.exit(main())
