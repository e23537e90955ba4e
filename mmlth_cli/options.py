"""Options that several commands share."""

import argparse
import ast
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from mmlth_cli.completion import completed_by, configs_to_read
from mmlth_cli.key_values import KeyValues
from mmlth_common.lottery import LotteryKeys, ValueKind, info_of


def add_config(parser: argparse.ArgumentParser) -> None:
    """Declares the config and changes to it."""
    config = parser.add_argument(
        'config', help='a file, or a name such as mmdet::yolox/yolox_s_8xb8-300e_coco.py'
    )
    completed_by(config, configs_to_read)
    add_cfg_options(parser)


def add_cfg_options(
    parser: argparse._ActionsContainer, example: str = 'lottery.targets.exclude=neck'
) -> None:
    """Declares changes to the config.

    Args:
        parser: A parser, or a group of one.
        example: A change that users of the command may want.
    """
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=KeyValues,
        metavar='KEY=VALUE',
        help=f'changes of the config by dotted key, such as {example}',
    )


def add_launcher(parser: argparse.ArgumentParser) -> None:
    """Declares how several processes are started."""
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='what has started the processes, where there are several',
    )
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help='set by torch')


def add_lottery(parser: argparse.ArgumentParser) -> None:
    """Declares the keys of ``lottery`` that have an option; they become ``options.lottery``."""
    group = parser.add_argument_group('lottery', 'instead of what the config says')
    for key in fields(LotteryKeys):
        declared = info_of(key)
        if declared.metavar is not None:
            group.add_argument(
                f'--{key.name.replace("_", "-")}',
                dest='lottery',
                default={},
                action=_LotteryKey,
                nargs=0 if declared.kind == 'flag' else None,
                type=_READ.get(declared.kind, str),
                metavar=declared.metavar,
                help=declared.meaning,
            )


class _LotteryKey(argparse.Action):
    """Collects the keys that are given in one dict, ``options.lottery``."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Adds the key that the option stands for."""
        key = self.option_strings[0].removeprefix('--').replace('-', '_')
        value = True if self.nargs == 0 else values
        namespace.lottery = {**namespace.lottery, key: value}


def _sparsities(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(',')]
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f'expected numbers such as 0.5,0.8, got {text!r}'
        ) from error


def _choice(text: str) -> str | dict[str, Any]:
    """``snip`` → a name, ``snip,batches=4`` → its dict, ``backbone=0.9`` → a dict without type."""
    if '=' not in text:
        return text
    options: dict[str, Any] = {}
    for part in text.split(','):
        key, equals, value = part.partition('=')
        options['type' if not equals else key] = _literal(value) if equals else part
    return options


def _weight(text: str) -> Any:
    """``0.5`` → a number, ``0.5,temperature=2`` → a dict with the number as ``weight``."""
    weight, comma, options = text.partition(',')
    if not comma:
        return _literal(weight)
    return _choice(f'weight={weight},{options}')


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


_READ: dict[ValueKind, Callable[[str], Any]] = {
    'count': int,
    'share': float,
    'share_from_zero': float,
    'shares': _sparsities,
    'spec': _choice,
    'weight': _weight,
}
"""How the text of an option becomes its value, by the kind of the key; others stay texts."""
