#!/usr/bin/env python
"""Converts DeepLabCut's open-field mouse to COCO keypoints."""

import csv
import io
import json
import math
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmlth.data import conversion_command, missing
from mmlth.ticket import write_bytes

SOURCE = 'https://github.com/DeepLabCut/DeepLabCut'
PROJECT = Path('examples', 'openfield-Pranav-2018-10-30')
TABLE = Path('labeled-data', 'm4s1', 'CollectedData_Pranav.csv')
KEYPOINTS = ('snout', 'leftear', 'rightear', 'tailbase')
JPEG_QUALITY = 95
SMALLEST = 40  # pixels from the centre of a box to its sides, at least

Points = list[tuple[float, float]]


def convert(source: Path, out: Path) -> None:
    """Writes ``out/annotations/{train,val}.json`` and the frames, as JPEG, to ``out/images``.

    Everything is read and checked before anything is written. The annotations are those of our
    ``data/mouse``, byte for byte; the bytes of the frames depend on OpenCV's JPEG encoder.

    Args:
        source: A checkout of the public repository.
        out: The folder to make. Files of the same names are replaced.

    Raises:
        FileNotFoundError: If the table or a frame is missing.
        ValueError: If the table or a frame cannot be used.
        OSError: If a file cannot be written.
    """
    root = source / PROJECT
    frames = read_table(root / TABLE)
    names = sorted(frames)
    random.Random(0).shuffle(names)  # noqa: S311
    quarter = len(names) // 4
    splits = {'train': names[quarter:], 'val': names[:quarter]}

    pictures: dict[str, bytes] = {}
    contents: dict[str, dict[str, Any]] = {}
    for split, members in splits.items():
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        for image_id, name in enumerate(members):
            file_name = f'{Path(name).stem}.jpg'
            pictures[file_name], (width, height) = to_jpeg(root / name)
            images.append(dict(id=image_id, file_name=file_name, width=width, height=height))
            annotations.append(annotation(image_id, frames[name], width, height))
        contents[split] = coco(images, annotations)

    for file_name, data in pictures.items():
        write_bytes(out / 'images' / file_name, data)
    for split, content in contents.items():
        write_bytes(out / 'annotations' / f'{split}.json', json.dumps(content).encode())
        print(f'{split}: {len(content["images"])} frames', flush=True)


def read_table(path: Path) -> dict[str, Points]:
    """Reads DeepLabCut's table of labels.

    Returns:
        For each frame, named by its path within the project, x and y in pixels of ``KEYPOINTS``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the keypoints are others, a frame is named twice or within a folder of
            another project, or a coordinate is missing or no number.
    """
    if not path.is_file():
        raise missing(path, SOURCE)
    rows = list(csv.reader(io.StringIO(path.read_text(errors='replace'))))
    header = [name for name in KEYPOINTS for _ in 'xy']
    if [row[1:] for row in rows[1:3]] != [header, ['x', 'y'] * len(KEYPOINTS)]:
        raise ValueError(f'{path}: the columns must be x and y of {", ".join(KEYPOINTS)}')
    frames: dict[str, Points] = {}
    for line, row in enumerate(rows[3:], 4):
        name, *cells = row or ['']
        if Path(name).parent != TABLE.parent or name in frames:
            raise ValueError(
                f'{path}, line {line}: expected one new frame of {TABLE.parent}, got {name!r}'
            )
        try:
            values = [float(cell) for cell in cells]
        except ValueError as error:
            raise ValueError(f'{path}, line {line}: {error}') from error
        if len(values) != len(header) or not all(map(math.isfinite, values)):
            raise ValueError(f'{path}, line {line}: expected {len(header)} numbers, got {cells}')
        frames[name] = list(zip(values[::2], values[1::2]))
    return frames


def to_jpeg(path: Path) -> tuple[bytes, tuple[int, int]]:
    """A picture as JPEG, and its width and height.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If OpenCV cannot read it.
    """
    if not path.is_file():
        raise missing(path, SOURCE)
    raw = np.frombuffer(path.read_bytes(), np.uint8)
    picture = cv2.imdecode(raw, cv2.IMREAD_COLOR) if raw.size else None
    if picture is None:
        raise ValueError(f'{path} is not a picture')
    jpeg = cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()
    return jpeg, (picture.shape[1], picture.shape[0])


def annotation(image_id: int, points: Points, width: int, height: int) -> dict[str, Any]:
    """The COCO annotation of the one mouse in a frame."""
    box = box_around(points, width, height)
    return dict(
        image_id=image_id,
        category_id=1,
        bbox=list(box),
        area=box[2] * box[3],
        iscrowd=0,
        keypoints=[value for x, y in points for value in (x, y, 2)],
        num_keypoints=len(points),
        id=image_id + 1,
    )


def box_around(points: Points, width: int, height: int) -> tuple[float, float, float, float]:
    """A box for the whole animal, since the source has none: twice as large as the keypoints span.

    Args:
        points: x and y of the keypoints, in pixels.
        width: The width of the image, in pixels.
        height: Likewise.

    Returns:
        x, y, width, height of a square around the centre of the keypoints, clipped to the image.
    """
    xs, ys = [x for x, _ in points], [y for _, y in points]
    reach = max(max(xs) - min(xs), max(ys) - min(ys), SMALLEST)
    x, y = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
    left, top = max(x - reach, 0.0), max(y - reach, 0.0)
    return left, top, min(x + reach, width) - left, min(y + reach, height) - top


def coco(images: list[dict[str, Any]], annotations: list[dict[str, Any]]) -> dict[str, Any]:
    """The content of a COCO file."""
    return dict(
        info=dict(
            description=PROJECT.name,
            source='DeepLabCut/DeepLabCut examples',
            license='see the source repository',
        ),
        licenses=[],
        images=images,
        annotations=annotations,
        categories=[dict(id=1, name='mouse', keypoints=list(KEYPOINTS), skeleton=[])],
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line ``argv`` (default: the process's); returns the exit code."""
    description = (
        'Converts the open-field mouse of DeepLabCut (116 frames, 4 keypoints) to COCO '
        'format: OUT/annotations/{train,val}.json and OUT/images. Boxes are derived from the '
        f'keypoints. Get the source with: git clone --depth 1 {SOURCE}'
    )
    return conversion_command('mouse', description, SOURCE, convert, argv)


if __name__ == '__main__':
    sys.exit(main())
