"""What tests do with searches, their folders and their files again and again."""

import csv
import json
from pathlib import Path
from typing import Any


def record(work_dir: Path) -> dict[str, Any]:
    """What ``search.json`` says."""
    return json.loads((work_dir / 'search.json').read_text())


def ticket_bytes(work_dir: Path) -> dict[str, bytes]:
    """The bytes of each ticket of a search, by the name of its file."""
    return {path.name: path.read_bytes() for path in sorted(work_dir.glob('tickets/*'))}


def csv_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file by the names of its columns."""
    with path.open(newline='') as file:
        return list(csv.DictReader(file))


def contents(folder: Path) -> dict[str, bytes]:
    """The bytes of each file below a folder."""
    files = [path for path in folder.rglob('*') if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def shapes_options(root: Path) -> dict[str, str]:
    """Options with which the demo trains and validates on generated shapes.

    Args:
        root: Where `mmlth.data.make_shapes` wrote them.
    """
    loaders = {f'{split}_dataloader.dataset.data_root': f'{root}/' for split in ('train', 'val')}
    return {**loaders, 'val_evaluator.ann_file': f'{root}/annotations/val.json'}
