"""A set of coloured shapes in COCO format: boxes, polygons and keypoints, with no download."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmlth.data.scene import (
    CLASSES,
    KEYPOINTS,
    MIN_SIZE,
    SKELETON,
    Shape,
    draw_scene,
    visibility,
)
from mmlth.messages import reason
from mmlth.ticket import write_bytes

MARKER = 'shapes.json'  # says what the folder holds; `complete` once it holds all of it
_DRAWING = 1  # to be raised whenever the same parameters begin to give other pictures


def make_shapes(
    root: Path,
    train: int = 200,
    val: int = 50,
    size: tuple[int, int] = (128, 128),
    seed: int = 0,
) -> None:
    """Writes ``root/annotations/{train,val}.json`` and ``root/images/*.png``.

    Every picture holds 1 to 4 circles, squares and triangles of 16 pixels to half its shorter
    side, each at least four fifths visible. Polygons, boxes and areas are of whole shapes, hidden
    parts included. The same arguments give the same files, byte for byte; picture *i* depends on
    ``size``, ``seed`` and *i* alone, so a larger set begins with the smaller one.

    A finished set is left alone, an interrupted one is finished, and several processes may make
    the same set at once.

    Args:
        root: The folder to make; it may exist if it is empty or holds this very set.
        train: Number of training pictures, at least 1.
        val: Number of validation pictures, at least 1.
        size: Width and height of the pictures in pixels, each at least 64.
        seed: The seed, from 0 to 2**32 - 1.

    Raises:
        ValueError: If an argument is out of range or ``root`` holds anything else.
        OSError: If a file cannot be written.
    """
    root = Path(root)
    _check(train, val, size, seed)
    wanted = dict(drawing=_DRAWING, train=train, val=val, size=list(size), seed=seed)
    if _is_complete(root, wanted):
        return
    _write_json(root / MARKER, dict(wanted, complete=False))
    for stream, (split, count) in enumerate([('train', train), ('val', val)]):
        _write_split(root, split, count, size, (seed, stream))
    _write_json(root / MARKER, dict(wanted, complete=True))


def _check(train: int, val: int, size: tuple[int, int], seed: int) -> None:
    """Raises ValueError unless the arguments of ``make_shapes`` are in range."""
    for name, count in [('train', train), ('val', val)]:
        if count < 1:
            raise ValueError(f'{name} must be at least 1 picture, got {count}')
    if len(size) != 2 or min(size) < 4 * MIN_SIZE:
        raise ValueError(
            f'size must be a width and a height of at least {4 * MIN_SIZE} pixels, got {size}'
        )
    if not 0 <= seed < 2**32:
        raise ValueError(f'seed must be from 0 to {2**32 - 1}, got {seed}')


def _is_complete(root: Path, wanted: dict[str, Any]) -> bool:
    """Whether ``root`` holds the wanted set; raises ValueError if it holds something else."""
    marker = root / MARKER
    if not marker.exists():
        if root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise ValueError(
                f'{root} exists and is not a set of shapes (it has no {MARKER}): '
                f'choose a new or empty folder'
            )
        return False
    try:
        made_with = dict(json.loads(marker.read_text()))
    except (ValueError, TypeError) as error:
        raise ValueError(
            f'{marker} is damaged ({reason(error)}): delete {root} and make the set again'
        ) from error
    complete = made_with.pop('complete', False)
    if made_with != wanted:
        raise ValueError(
            f'{root} holds shapes made with {_words(made_with)}, not with {_words(wanted)}: '
            f'choose another folder, or delete this one'
        )
    return bool(complete)


def _words(parameters: dict[str, Any]) -> str:
    return ', '.join(f'{name}={value}' for name, value in parameters.items())


def _write_split(
    root: Path, split: str, count: int, size: tuple[int, int], seed: tuple[int, int]
) -> None:
    """Draws and writes the pictures of one split, then its annotation file."""
    width, height = size
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for i in range(count):
        name = f'{split}_{i:05d}.png'
        picture, shapes = draw_scene(np.random.RandomState((*seed, i)), width, height)
        write_bytes(root / 'images' / name, cv2.imencode('.png', picture)[1].tobytes())
        images.append(dict(id=i + 1, file_name=name, width=width, height=height))
        for shape, flags in zip(shapes, visibility(shapes), strict=True):
            number = len(annotations) + 1  # from 1: COCO's evaluation takes 0 for "no match"
            annotations.append(
                dict(id=number, image_id=i + 1, iscrowd=0, **_annotation(shape, flags))
            )
    _write_json(
        root / 'annotations' / f'{split}.json',
        dict(
            info=dict(description='coloured shapes', split=split),
            licenses=[],
            images=images,
            annotations=annotations,
            categories=[
                dict(
                    id=i + 1,
                    name=name,
                    supercategory='shape',
                    keypoints=KEYPOINTS,
                    skeleton=SKELETON,
                )
                for i, name in enumerate(CLASSES)
            ],
        ),
    )


def _annotation(shape: Shape, flags: NDArray[np.int64]) -> dict[str, Any]:
    """What COCO says of one object; ``flags`` (5,) are its keypoints' visibilities."""
    return dict(
        category_id=shape.label + 1,
        bbox=list(shape.box),
        area=shape.area,
        segmentation=[shape.outline.ravel().tolist()],
        keypoints=[
            number
            for (x, y), flag in zip(shape.keypoints.tolist(), flags.tolist(), strict=True)
            for number in (x, y, flag)
        ],
        num_keypoints=len(flags),
    )


def _write_json(path: Path, content: dict[str, Any]) -> None:
    write_bytes(path, (json.dumps(content) + '\n').encode())
