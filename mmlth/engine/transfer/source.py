"""The ticket that is transferred, and what its network was trained on."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config
from torch import Tensor

from mmlth.engine.checkpoints import load_checkpoint_safely
from mmlth.engine.configs import read_config
from mmlth.engine.errors import LotteryError
from mmlth.engine.state import rewind_file_of
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


@dataclass(frozen=True)
class Source:
    """A ticket, or a checkpoint as one, that is transferred.

    Attributes:
        ticket: The ticket.
        path: Its file.
        description: What the new ticket says of the file: its form, name and hash.
    """

    ticket: Ticket
    path: Path
    description: dict[str, Any]

    @property
    def tensors(self) -> dict[str, Tensor]:
        """All that has a name in it: weights, and masks of weights that it lacks."""
        return {**self.ticket.mask, **(self.ticket.weights or {})}

    def values(self, values: str, rewind_file: str | Path | None) -> Mapping[str, Tensor] | None:
        """The weights that are transferred; None where only the mask is.

        Args:
            values: ``'trained'``, ``'initial'`` or ``'target'``, as for `transfer`.
            rewind_file: As for `transfer`.

        Raises:
            LotteryError: If initial weights are asked for, and there is no rewind file.
            TicketError: If the ticket lacks such weights, or the rewind file is of another search.
        """
        if values == 'target':
            return None
        if values == 'trained':
            return self.ticket.state_dict()
        if self.ticket.initial is not None:
            return self.ticket.initial_state_dict()
        rewind = Path(rewind_file or rewind_file_of(self.path))
        if not rewind.is_file():
            raise LotteryError(
                f"values='initial' needs what {self.path} was trained from, but {rewind} does not "
                "exist; give the search's rewind file (--rewind-file), or values='trained'"
            )
        return with_initial(self.ticket, rewind).initial_state_dict()

    def image_input(
        self, given: str | None, config: str | Path | Config | None
    ) -> ImageInput | None:
        """What images its network was trained on; None if nobody says.

        Args:
            given: What the user says of it, as for `transfer`.
            config: The config that it was trained with, which tells the same.

        Raises:
            LotteryError: If both are given, or the ticket says something else.
        """
        recorded = input_of(self.ticket.metadata('config'))
        if given is not None and config is not None:
            raise LotteryError('input and source_config say the same; give one of them')
        claimed = parse_input(given) if given is not None else None
        if config is not None:
            claimed = input_of(read_config(config))
        if recorded and claimed and not recorded.same(claimed):
            raise LotteryError(
                f'{self.path} tells that it was trained on {recorded} (order:mean:std), not on '
                f'{claimed}; leave input and source_config (--input, --source-config) out'
            )
        return recorded or claimed


def read_source(path: Path, mask: str | Path | None) -> Source:
    """Reads a ticket, or a checkpoint of any form that `read_foreign` takes.

    Args:
        path: The file.
        mask: A file of masks for a checkpoint that has none.

    Raises:
        LotteryError: If there is no such file, or a ticket is given a mask.
        TicketError: If the file cannot be read.
    """
    if not path.is_file():
        raise LotteryError(f'{path} does not exist or is no file (seen from {Path.cwd()})')
    if path.suffix != '.safetensors' and not is_ticket(path):
        ticket = read_foreign(path, mask, load_checkpoint_safely)
        about = dict(ticket.info['source'])
        return Source(ticket, path, {**about, 'form': f'{about["form"]}; mask: {about["mask"]}'})
    if mask is not None:
        raise LotteryError(f'the ticket {path} has a mask of its own; leave {mask} out')
    ticket = load_ticket(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    about = {'form': 'ticket of mmlth', 'file': path.name, 'sha256': digest}
    return Source(ticket, path, about)
