#!/usr/bin/env python
"""Cuts the objects of COCO-style sets out as small labelled pictures, for MMPretrain."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmlth.ticket import write_bytes

SPLITS = ('train', 'val')
WHOLE = 'instances'  # the annotation file of a set without splits
SHARE_TO_VAL = 4  # of such a set, every fourth image
CONTEXT = 1.2  # side of the square that is cut out, in longer sides of the box
SMALLEST = 12.0  # pixels; boxes with a shorter side are left out
JPEG_QUALITY = 95


@dataclass(frozen=True)
class Crop:
    """An object: where its picture goes, its class, its image, its box (x, y, width, height)."""

    file_name: str
    label: str
    image: Path
    box: tuple[float, float, float, float]


def convert(sources: Sequence[Path], out: Path, size: int, most: int, least: int) -> None:
    """Writes ``out/annotations/{train,val,classes}.txt`` and the crops, as JPEG, to ``out/images``.

    The lists have a line ``FILE LABEL`` a crop, as ``CustomDataset`` of MMPretrain reads them;
    the number is the line of the class in ``classes.txt``, from 0. Splits are those of the
    sources, so no image gives crops to both. The lists are written last, so they never name a
    picture that is not there. The bytes of the pictures depend on OpenCV's JPEG encoder.

    Args:
        sources: Folders with ``images`` and ``annotations/{train,val}.json`` each. A set that has
            ``annotations/instances.json`` alone is split: every fourth image by name is for val.
        out: The folder to make. Files of the same names are replaced.
        size: Side of the crops in pixels.
        most: Crops of a class in a split; of more, some at even distances are taken.
        least: A class with fewer crops to train on, or none to validate on, is left out.

    Raises:
        FileNotFoundError: If annotations or an image are missing.
        ValueError: If annotations or an image cannot be used, or fewer than two classes are left.
        OSError: If a file cannot be written.
    """
    if min(size, most, least) < 1:
        raise ValueError(f'size, most and least are at least 1, got {size}, {most} and {least}')
    by_split = {split: [c for s in sources for c in read_set(s, split)] for split in SPLITS}
    counts = {split: Counter(crop.label for crop in crops) for split, crops in by_split.items()}
    classes = sorted(
        label for label, n in counts['train'].items() if n >= least and counts['val'][label]
    )
    if len(classes) < 2:
        raise ValueError(
            f'only {len(classes)} classes have {least} or more objects to train on and some to '
            'validate on; give more sets, or a smaller --least'
        )
    chosen = {
        split: [
            crop
            for label in classes
            for crop in spread([crop for crop in crops if crop.label == label], most)
        ]
        for split, crops in by_split.items()
    }
    check_names(chosen)
    for file_name, data in pictures([c for crops in chosen.values() for c in crops], size):
        write_bytes(out / 'images' / file_name, data)
    write_bytes(out / 'annotations' / 'classes.txt', ''.join(f'{c}\n' for c in classes).encode())
    for split, crops in chosen.items():
        lines = [f'{crop.file_name} {classes.index(crop.label)}\n' for crop in crops]
        write_bytes(out / 'annotations' / f'{split}.txt', ''.join(lines).encode())
        taken = Counter(crop.label for crop in crops)
        print(f'{split}: ' + ', '.join(f'{taken[name]} {name}' for name in classes), flush=True)


def read_set(source: Path, split: str) -> list[Crop]:
    """The objects of a split of a set, in the order of the images' names.

    Crowds, and boxes with a side shorter than `SMALLEST`, are left out.

    Raises:
        FileNotFoundError: If there are no annotations.
        ValueError: If they are not those of a COCO file, or an image is in both splits.
    """
    folder = source / 'annotations'
    files = [folder / f'{name}.json' for name in SPLITS]
    if all(path.is_file() for path in files):
        contents = {name: read_coco(path) for name, path in zip(SPLITS, files)}
    elif (folder / f'{WHOLE}.json').is_file():
        whole = read_coco(folder / f'{WHOLE}.json')
        names = sorted(whole)
        held = set(names[SHARE_TO_VAL - 1 :: SHARE_TO_VAL])
        contents = {
            'train': {name: whole[name] for name in names if name not in held},
            'val': {name: whole[name] for name in sorted(held)},
        }
    else:
        raise FileNotFoundError(
            f'{folder} has neither train.json and val.json nor {WHOLE}.json; a source is a folder '
            'with annotations in COCO format'
        )
    if both := sorted(contents['train'].keys() & contents['val'].keys()):
        raise ValueError(f'{source}: {both[0]} is an image of both train and val')
    of = source.resolve().name  # the mouse of COCO is another than that of a laboratory
    return [
        Crop(f'{of}_{Path(name).stem}_{i}.jpg', f'{of}/{label}', path, box)
        for name, objects in sorted(contents[split].items())
        for i, (label, box) in enumerate(objects)
        if min(box[2:]) >= SMALLEST
        for path in [source / 'images' / name]
    ]


def read_coco(path: Path) -> dict[str, list[tuple[str, tuple[float, float, float, float]]]]:
    """The class and box of each object that is no crowd, by the file name of its image.

    Raises:
        ValueError: If it is no COCO file.
    """
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise ValueError(f'{path} is not JSON: {error}') from error
    try:
        labels = {item['id']: str(item['name']) for item in content['categories']}
        images = {item['id']: str(item['file_name']) for item in content['images']}
        objects: dict[str, list[Any]] = {name: [] for name in images.values()}
        for item in content['annotations']:
            if not item.get('iscrowd'):
                x, y, width, height = map(float, item['bbox'])
                box = (x, y, width, height)
                objects[images[item['image_id']]].append((labels[item['category_id']], box))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f'{path} is not a COCO file: {type(error).__name__} {error}') from error
    if not np.isfinite([v for boxes in objects.values() for _, box in boxes for v in box]).all():
        raise ValueError(f'{path}: a box is not finite')
    return objects


def check_names(chosen: dict[str, list[Crop]]) -> None:
    """Two images of one stem, or two sets of one name, would give crops of one name.

    Raises:
        ValueError: If any two crops share a name.
    """
    names = Counter(crop.file_name for crops in chosen.values() for crop in crops)
    for name, count in names.most_common(1):
        if count > 1:
            raise ValueError(f'{count} crops would be {name}; rename one of the sets or images')


def spread(crops: list[Crop], most: int) -> list[Crop]:
    """At most so many of them, at even distances."""
    count = min(len(crops), most)
    return [crops[i * len(crops) // count] for i in range(count)]


def pictures(crops: Sequence[Crop], size: int) -> Iterator[tuple[str, bytes]]:
    """The crops as JPEG, with their names.

    Raises:
        FileNotFoundError: If an image is missing.
        ValueError: If OpenCV cannot read it, or a box lies outside.
    """
    read: tuple[Path, np.ndarray] | None = None
    for crop in sorted(crops, key=lambda crop: crop.file_name):  # images one by one
        if read is None or read[0] != crop.image:
            read = (crop.image, read_picture(crop.image))
        picture = cut(read[1], crop.box, size)
        if picture is None:
            raise ValueError(f'{crop.image}: the box {crop.box} lies outside the image')
        encoded = cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
        yield crop.file_name, encoded.tobytes()


def read_picture(path: Path) -> np.ndarray:
    """Reads a picture, as OpenCV has them: height, width, channels (blue, green, red); uint8.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If OpenCV cannot read it.
    """
    if not path.is_file():
        raise FileNotFoundError(f'{path} is missing, but the annotations name it')
    raw = np.frombuffer(path.read_bytes(), np.uint8)
    picture = cv2.imdecode(raw, cv2.IMREAD_COLOR) if raw.size else None
    if picture is None:
        raise ValueError(f'{path} is no picture')
    return picture


def cut(
    picture: np.ndarray, box: tuple[float, float, float, float], size: int
) -> np.ndarray | None:
    """The square around a box, scaled; where it leaves the picture, the edge is repeated.

    Args:
        picture: (height, width, 3).
        box: x, y, width, height in pixels.
        size: Side of the result in pixels.

    Returns:
        (size, size, 3); None if the centre of the box is outside the picture.
    """
    x, y, width, height = box
    centre_x, centre_y = x + width / 2, y + height / 2
    if not (0 <= centre_x <= picture.shape[1] and 0 <= centre_y <= picture.shape[0]):
        return None
    side = max(1, round(CONTEXT * max(width, height)))
    left, top = round(centre_x - side / 2), round(centre_y - side / 2)
    columns = np.clip(np.arange(left, left + side), 0, picture.shape[1] - 1)
    rows = np.clip(np.arange(top, top + side), 0, picture.shape[0] - 1)
    square = picture[rows[:, None], columns[None]]
    how = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    return cv2.resize(square, (size, size), interpolation=how)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line ``argv`` (default: the process's); returns the exit code."""
    parser = argparse.ArgumentParser(
        description='Cuts the objects of COCO-style sets out as square pictures with their class: '
        'OUT/annotations/{train,val,classes}.txt and OUT/images, which CustomDataset of '
        'MMPretrain reads. Train and val are those of the sets; a set with instances.json alone '
        'gives every fourth image to val.'
    )
    parser.add_argument(
        'sources', metavar='SOURCE', type=Path, nargs='+', help='a set: images/, annotations/'
    )
    parser.add_argument('out', metavar='OUT', type=Path, help='the folder to make')
    parser.add_argument('--size', type=int, default=80, help='side in pixels (default: 80)')
    parser.add_argument(
        '--most', type=int, default=150, help='crops of a class in a split (default: 150)'
    )
    parser.add_argument(
        '--least',
        type=int,
        default=25,
        help='a class with fewer to train on is left out (default: 25)',
    )
    options = parser.parse_args(argv)
    try:
        convert(options.sources, options.out, options.size, options.most, options.least)
    except (ValueError, OSError) as error:
        print(f'crops: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
