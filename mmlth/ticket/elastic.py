"""Tickets for deeper and shallower residual networks: Elastic Lottery Ticket Hypothesis.

A unit is a residual block: its weights, norm layers and mask. The stem and the first block of each
stage, which changes the resolution, stay as they are; the other blocks are repeated or dropped
(Chen et al., 2021, https://arxiv.org/abs/2103.16547).
"""

import re
from collections.abc import Iterable
from typing import Literal

from mmlth.ticket.errors import TicketMismatchError

Depths = Literal['append', 'interpolate']
DEPTHS: tuple[Depths, ...] = ('append', 'interpolate')

_BLOCK = re.compile(r'((?:.*\.)?layer\d+)\.(\d+)\.(.+)')
_CONVOLUTION = re.compile(r'conv\d+')
Stages = dict[str, dict[int, set[str]]]
"""The names of a block's convolutions, by stage (``backbone.layer3``) and number."""


def block_order(source: int, target: int, how: Depths) -> list[int]:
    """Finds which block of the source each block of the target is, within a stage.

    Args:
        source: Number of blocks that the source has, 1 or more.
        target: Number of blocks that the target has, 1 or more.
        how: ``'append'`` repeats the blocks after the first in a row, or drops the last ones;
            ``'interpolate'`` repeats each where it is, or drops blocks in between.

    Raises:
        TicketMismatchError: If the source has no block that could be repeated.

    Example:
        >>> block_order(3, 5, 'append'), block_order(3, 5, 'interpolate')
        ([0, 1, 2, 1, 2], [0, 1, 1, 2, 2])
        >>> block_order(5, 3, 'append'), block_order(5, 3, 'interpolate')
        ([0, 1, 2], [0, 1, 3])
    """
    others, wanted = source - 1, target - 1
    if wanted and not others:
        raise TicketMismatchError(
            f'a stage of one block cannot become one of {target}: the first block of a stage '
            'changes the resolution and is not repeated'
        )
    if how == 'append':
        return [0, *(1 + i % others for i in range(wanted))]
    return [0, *(1 + i * others // wanted for i in range(wanted))]


def check_depths(source: Iterable[str], target: Iterable[str]) -> None:
    """Refuses residual networks of different depths or blocks, of which a part would fit by chance.

    Args:
        source: Names of the source, as they are called in the target.
        target: Names of the target.

    Raises:
        TicketMismatchError: If they differ.
    """
    given, wanted = _common_stages(source, target)
    _check_blocks(given, wanted)
    before, after = _depths(given), _depths(wanted)
    if before != after:
        raise TicketMismatchError(
            f'the source has {before} residual blocks in its stages, the target {after}; say how '
            "the ones become the others: 'append' or 'interpolate' (--depths)"
        )


def other_depth(source: Iterable[str], target: Iterable[str], how: Depths) -> dict[str, str]:
    """Finds for each name of the target's blocks the name at the source's depth.

    Args:
        source: Names of the source, as they are called in the target.
        target: Names of the target.
        how: See `block_order`.

    Raises:
        TicketMismatchError: If there are no residual blocks, or they are of different kinds.
    """
    target = list(target)
    given, wanted = _common_stages(source, target)
    if not given:
        raise TicketMismatchError(
            f'nothing to {how}: source and target share no residual stages '
            '(names such as layer1.0.conv1.weight)'
        )
    _check_blocks(given, wanted)
    orders = {
        stage: dict(zip(sorted(blocks), _order(stage, given[stage], len(blocks), how)))
        for stage, blocks in wanted.items()
    }
    result = {}
    for name in target:
        match = _BLOCK.fullmatch(name)
        if match and match[1] in orders:
            result[name] = f'{match[1]}.{orders[match[1]][int(match[2])]}.{match[3]}'
    return result


def _order(stage: str, given: dict[int, set[str]], blocks: int, how: Depths) -> list[int]:
    try:
        order = block_order(len(given), blocks, how)
    except TicketMismatchError as error:
        raise TicketMismatchError(f'{stage}: {error}') from error
    numbers = sorted(given)
    return [numbers[i] for i in order]


def _common_stages(source: Iterable[str], target: Iterable[str]) -> tuple[Stages, Stages]:
    given, wanted = _stages(source), _stages(target)
    common = [stage for stage in wanted if stage in given]
    return {s: given[s] for s in common}, {s: wanted[s] for s in common}


def _stages(names: Iterable[str]) -> Stages:
    stages: Stages = {}
    for name in names:
        match = _BLOCK.fullmatch(name)
        if match:
            convolutions = stages.setdefault(match[1], {}).setdefault(int(match[2]), set())
            part = match[3].split('.')[0]
            if _CONVOLUTION.fullmatch(part):
                convolutions.add(part)
    return {s: blocks for s, blocks in stages.items() if any(blocks.values())}


def _check_blocks(given: Stages, wanted: Stages) -> None:
    for stage in wanted:
        before, after = set.union(*given[stage].values()), set.union(*wanted[stage].values())
        if before != after:
            raise TicketMismatchError(
                f'{stage}: blocks of {len(before)} convolutions cannot become blocks of '
                f'{len(after)} (ResNets of 18 and 34 layers have basic blocks of 2, those of 50 '
                'and more bottlenecks of 3); transfer between depths with the same blocks'
            )


def _depths(stages: Stages) -> str:
    return '-'.join(str(len(stages[stage])) for stage in sorted(stages))
