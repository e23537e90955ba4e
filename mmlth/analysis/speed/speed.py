"""The speed of a ticket, as ``mmlth bench`` writes it and reports read it."""

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmlth.analysis.speed.machine import Machine
from mmlth.analysis.speed.measuring import Timing
from mmlth.messages import reason


@dataclass(frozen=True)
class Speed:
    """The speed of the network of a ticket.

    Attributes:
        ticket: The path of the ticket, as it was given.
        fingerprint: What its file is recognised by; see `fingerprint`.
        model: The class of its model.
        part: The part of the model that was measured, one of `PARTS`.
        size: Height and width of the image in pixels.
        sparsity: The share of the prunable weights that are pruned.
        rounds: How many times each contender was measured.
        timings: What was measured, by threads and contender.
        absent: Why contenders were not measured, by name.
        machine: Where it was measured.
        load: The load average of the machine before and after.
    """

    ticket: str
    fingerprint: str
    model: str
    part: str
    size: tuple[int, int]
    sparsity: float
    rounds: int
    timings: tuple[Timing, ...]
    absent: Mapping[str, str]
    machine: Machine
    load: tuple[float, float]

    @property
    def threads(self) -> tuple[int, ...]:
        """The numbers of threads, in order."""
        return tuple(dict.fromkeys(timing.threads for timing in self.timings))

    def at(self, threads: int) -> dict[str, Timing]:
        """The timings at a number of threads, by contender."""
        return {t.contender: t for t in self.timings if t.threads == threads}


def fingerprint(ticket: str | Path) -> str:
    """The SHA-256 hash of a ticket's file."""
    return hashlib.sha256(Path(ticket).read_bytes()).hexdigest()


def to_json(speed: Speed) -> dict[str, Any]:
    """A speed as values of JSON; `from_json` gives the same speed again."""
    return dataclasses.asdict(speed)


def from_json(values: Mapping[str, Any]) -> Speed:
    """Reads what `to_json` gives.

    Raises:
        ValueError: If it is something else.
    """
    try:
        timings = tuple(
            Timing(**{**t, 'milliseconds': tuple(t['milliseconds']), 'layers': tuple(t['layers'])})
            for t in values['timings']
        )
        changes = {
            'timings': timings,
            'machine': Machine(**values['machine']),
            'size': tuple(values['size']),
            'load': tuple(values['load']),
        }
        return Speed(**{**values, **changes})
    except (KeyError, TypeError) as error:
        raise ValueError(f'no result of mmlth bench: {reason(error)}') from error
