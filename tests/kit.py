"""What tests do with searches, their folders and their files again and again."""

import csv
import json
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.runner import Runner
from torch import Tensor

from mmlth.pruning import Mask
from mmlth.ticket import Ticket, load_ticket


def search_by(config: Config) -> dict[str, Any]:
    """Runs a search by a config, as users do, and returns its record."""
    Runner.from_cfg(config).train()
    return record(Path(config.work_dir))


def record(work_dir: Path) -> dict[str, Any]:
    """What ``search.json`` says."""
    return json.loads((work_dir / 'search.json').read_text())


def ticket_of(work_dir: Path, number: int) -> Ticket:
    """The ticket of a search's round.

    Args:
        work_dir: The folder of the search, or of a branch.
        number: The round's number, 0 for the dense one.
    """
    return load_ticket(work_dir / f'tickets/round_{number:02d}.safetensors')


def tickets_of(work_dir: Path) -> list[Ticket]:
    """The tickets of all rounds of a search, and of a branch with those that it took over."""
    return [load_ticket(work_dir / entry['ticket']) for entry in record(work_dir)['rounds']]


def masks_of(work_dir: Path) -> list[Mask]:
    """The masks of all rounds of a search, and of a branch with those that it took over."""
    return [ticket.mask for ticket in tickets_of(work_dir)]


def ticket_bytes(work_dir: Path) -> dict[str, bytes]:
    """The bytes of each ticket of a search, by the name of its file."""
    return {path.name: path.read_bytes() for path in sorted(work_dir.glob('tickets/*'))}


def bits(tensor: Tensor) -> list[int]:
    """The tensor's bytes; unlike ``==`` this tells −0 from 0 and knows NaN."""
    return tensor.contiguous().view(-1).view(torch.uint8).tolist()


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
