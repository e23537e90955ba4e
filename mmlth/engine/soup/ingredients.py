"""The tickets that a soup is made of."""

import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmlth.engine.configs import sha256_of
from mmlth.engine.errors import LotteryError


@dataclass(frozen=True)
class Ingredient:
    """A ticket that is averaged.

    Attributes:
        path: The file.
        name: Its path from the folder that all of them lie in.
        sha256: The hash of its bytes.
    """

    path: Path
    name: str
    sha256: str

    @property
    def described(self) -> dict[str, str]:
        """What the soup says of it."""
        return {'name': self.name, 'sha256': self.sha256}


def read_ingredients(tickets: Sequence[str | Path]) -> list[Ingredient]:
    """Looks the files up, and sorts them by what they hold, so that no other order matters.

    Args:
        tickets: Two files or more.

    Raises:
        LotteryError: If they are less than two, if there is no such file, or if two are the same.
    """
    paths = [Path(ticket).expanduser() for ticket in tickets]
    if len(paths) < 2:
        raise LotteryError(
            f'a soup is the mean of two tickets or more, got {len(paths)}; name others that share '
            'its mask, such as those of mmlth branch SEARCH data_order'
        )
    for path in paths:
        if not path.is_file():
            raise LotteryError(f'{path} does not exist or is no file (seen from {Path.cwd()})')
    above = os.path.commonpath([path.absolute().parent for path in paths])
    ingredients = [
        Ingredient(path, path.absolute().relative_to(above).as_posix(), sha256_of(path))
        for path in paths
    ]
    ingredients.sort(key=lambda each: (each.sha256, each.name))
    for one, other in itertools.pairwise(ingredients):
        if one.sha256 == other.sha256:
            raise LotteryError(
                f'{one.path} and {other.path} are the same ticket, which would count twice; leave '
                'one of them out'
            )
    return ingredients
