#!/usr/bin/env python
"""Paints the masks of a COCO-style set into maps of labels, for MMSegmentation."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pycocotools import mask as rle

from mmlth.ticket import write_bytes

SPLITS = ('train', 'val')
BACKGROUND = 0
IGNORED = 255  # by MMSegmentation's losses and metrics


@dataclass(frozen=True)
class Picture:
    """An image: its file name, height and width, and label and segmentation of its objects."""

    file_name: str
    size: tuple[int, int]
    objects: list[tuple[int, Any]]


def convert(source: Path, out: Path) -> None:
    """Writes ``out/{images,labels}`` and ``out/annotations/{train,val,classes}.txt``.

    Images are copied. The map of an image is a PNG of its name; its numbers are the lines of
    ``classes.txt``, from 0, which is the background, and 255 for crowds, which count neither way.
    Later objects lie over earlier ones. The lists name images without their suffix, as
    ``BaseSegDataset`` of MMSegmentation reads them; they are written last, so they never name an
    image that is not there.

    Args:
        source: A folder with ``images`` and ``annotations/{train,val}.json``.
        out: The folder to make. Files of the same names are replaced.

    Raises:
        FileNotFoundError: If annotations or an image are missing.
        ValueError: If annotations cannot be used, or images differ in their suffix.
        OSError: If a file cannot be written.
    """
    sets = {split: read_coco(source / 'annotations' / f'{split}.json') for split in SPLITS}
    if sets['train'][0] != sets['val'][0]:
        raise ValueError(f'{source}: train.json and val.json have other categories')
    check_names(source, [picture for _, pictures in sets.values() for picture in pictures])
    maps = {
        picture.file_name: paint(picture, source)
        for _, pictures in sets.values()
        for picture in pictures
    }
    for file_name, labels in maps.items():
        write_bytes(out / 'images' / file_name, (source / 'images' / file_name).read_bytes())
        write_bytes(out / 'labels' / f'{Path(file_name).stem}.png', to_png(labels))
    classes = ['background', *sets['train'][0]]
    write_bytes(out / 'annotations' / 'classes.txt', ''.join(f'{c}\n' for c in classes).encode())
    for split, (_, pictures) in sets.items():
        names = sorted(Path(picture.file_name).stem for picture in pictures)
        write_bytes(out / 'annotations' / f'{split}.txt', ''.join(f'{n}\n' for n in names).encode())
        shares = np.sum(
            [np.bincount(maps[p.file_name].ravel(), minlength=256) for p in pictures], 0
        )
        shown = ', '.join(f'{s:.1%} {c}' for s, c in zip(shares / shares.sum(), classes))
        print(f'{split}: {len(names)} images, {shown}', flush=True)


def read_coco(path: Path) -> tuple[list[str], list[Picture]]:
    """The classes of a COCO file in the order of their numbers, and its images.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no COCO file, or has no images, or more classes than a PNG has values.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f'{path} is missing; the source is a folder with images and annotations in COCO format'
        )
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise ValueError(f'{path} is not JSON: {error}') from error
    try:
        names = {item['id']: str(item['name']) for item in content['categories']}
        labels = {number: index for index, number in enumerate(sorted(names), BACKGROUND + 1)}
        pictures = {
            item['id']: Picture(
                str(item['file_name']), (int(item['height']), int(item['width'])), []
            )
            for item in content['images']
        }
        for item in content['annotations']:
            label = IGNORED if item.get('iscrowd') else labels[item['category_id']]
            pictures[item['image_id']].objects.append((label, item['segmentation']))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f'{path} is not a COCO file: {type(error).__name__} {error}') from error
    if not pictures or len(labels) >= IGNORED:
        raise ValueError(
            f'{path}: expected images of fewer than {IGNORED} classes, got {len(pictures)} images '
            f'of {len(labels)}'
        )
    return [names[number] for number in sorted(names)], list(pictures.values())


def check_names(source: Path, pictures: Sequence[Picture]) -> None:
    """Checks that each image is there, once, and that all have one suffix.

    Raises:
        FileNotFoundError: If an image is missing.
        ValueError: If one is named twice, or suffixes differ: a data set of MMSegmentation has one.
    """
    suffixes = sorted({Path(picture.file_name).suffix for picture in pictures})
    if len(suffixes) > 1:
        raise ValueError(f'{source}: images end in {" and ".join(suffixes)}; give all one format')
    stems = set()
    for picture in pictures:
        path = source / 'images' / picture.file_name
        if not path.is_file():
            raise FileNotFoundError(f'{path} is missing, but the annotations name it')
        if Path(picture.file_name).stem in stems:
            raise ValueError(f'{source}: {picture.file_name} is in the annotations twice')
        stems.add(Path(picture.file_name).stem)


def paint(picture: Picture, source: Path) -> np.ndarray:
    """The label at each pixel of an image, uint8 (height, width).

    Raises:
        ValueError: If the segmentation of an object is none.
    """
    labels = np.full(picture.size, BACKGROUND, np.uint8)
    for label, segmentation in picture.objects:
        try:
            labels[decode(segmentation, picture.size)] = label
        except (IndexError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f'{source}: an object of {picture.file_name} has no mask: {segmentation!r:.60}'
            ) from error
    return labels


def decode(segmentation: Any, size: tuple[int, int]) -> np.ndarray:
    """Polygons or run lengths as bool (height, width)."""
    if isinstance(segmentation, list):
        segmentation = rle.merge(rle.frPyObjects(segmentation, *size))
    elif isinstance(segmentation['counts'], list):
        segmentation = rle.frPyObjects(segmentation, *size)
    return rle.decode(segmentation).astype(bool)


def to_png(labels: np.ndarray) -> bytes:
    """A map as PNG, which keeps every number."""
    return cv2.imencode('.png', labels)[1].tobytes()


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line ``argv`` (default: the process's); returns the exit code."""
    parser = argparse.ArgumentParser(
        description='Makes a set for semantic segmentation of one with masks in COCO format: '
        'OUT/images, OUT/labels and OUT/annotations/{train,val,classes}.txt, which BaseSegDataset '
        'of MMSegmentation reads. Class 0 is the background.'
    )
    parser.add_argument('source', metavar='SOURCE', type=Path, help='a set: images/, annotations/')
    parser.add_argument('out', metavar='OUT', type=Path, help='the folder to make')
    options = parser.parse_args(argv)
    try:
        convert(options.source, options.out)
    except (ValueError, OSError) as error:
        print(f'semantic: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
