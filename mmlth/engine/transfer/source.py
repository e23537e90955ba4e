"""The ticket that is transferred, and what its network was trained on."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from torch import Tensor

from mmlth.engine.checkpoints import load_checkpoint_safely
from mmlth.engine.configs import read_config
from mmlth.engine.errors import LotteryError
from mmlth.engine.search import rewind_file_of
from mmlth.engine.transfer.image_input import input_of
from mmlth.ticket import (
    ImageInput,
    Ticket,
    is_ticket,
    load_ticket,
    parse_input,
    read_foreign,
    with_initial,
)


def _read(path: Path, mask: str | Path | None) -> tuple[Ticket, dict[str, Any]]:
    """The source, and what is told of the file."""
    if not path.is_file():
        raise LotteryError(f'{path} does not exist or is no file (seen from {Path.cwd()})')
    if path.suffix != '.safetensors' and not is_ticket(path):
        ticket = read_foreign(path, mask, load_checkpoint_safely)
        about = dict(ticket.info['source'])
        return ticket, {**about, 'form': f'{about["form"]}; mask: {about["mask"]}'}
    if mask is not None:
        raise LotteryError(f'the ticket {path} has a mask of its own; leave {mask} out')
    ticket = load_ticket(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return ticket, {'form': 'ticket of mmlth', 'file': path.name, 'sha256': digest}


def _values(
    ticket: Ticket, values: str, path: Path, rewind_file: str | Path | None
) -> Mapping[str, Tensor] | None:
    if values == 'target':
        return None
    if values == 'trained':
        return ticket.state_dict()
    if ticket.initial is None:
        rewind = Path(rewind_file or rewind_file_of(path))
        if not rewind.is_file():
            raise LotteryError(
                f"values='initial' needs what {path} was trained from, but {rewind} does not "
                "exist; give the search's rewind file (--rewind-file), or values='trained'"
            )
        ticket = with_initial(ticket, rewind)
    return ticket.initial_state_dict()


def _source_input(
    ticket: Ticket, path: Path, given: str | None, config: str | Path | Config | None
) -> ImageInput | None:
    told = input_of(ticket.metadata('config'))
    if given is not None and config is not None:
        raise LotteryError('input and source_config say the same; give one of them')
    said = parse_input(given) if given is not None else None
    if config is not None:
        said = input_of(read_config(config))
    if told and said and not told.same(said):
        raise LotteryError(
            f'{path} tells that it was trained on {told} (order:mean:std), not on {said}; leave '
            'input and source_config (--input, --source-config) out'
        )
    return told or said
