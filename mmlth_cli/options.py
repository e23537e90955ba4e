"""Options that several commands share."""

import argparse
import ast
from typing import Any

from mmlth.engine import DictAction as MMEngineAction

LOTTERY = (
    'target_sparsity',
    'rounds',
    'rate',
    'sparsities',
    'rewind',
    'rewind_what',
    'after_rewind',
    'score',
    'allocation',
    'floor',
    'pattern',
    'rounds_per_run',
    'ticket',
)


class DictAction(MMEngineAction):
    """MMEngine's, but what is no setting ends in the parser's own error."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Reads the settings that follow the option."""
        try:
            super().__call__(parser, namespace, values, option_string)
        except (ValueError, AssertionError) as error:
            given = ' '.join(values)
            raise argparse.ArgumentError(
                self, f'expected KEY=VALUE, with brackets in pairs, got {given!r}'
            ) from error


def add_config(parser: argparse.ArgumentParser) -> None:
    """The config and changes to it."""
    parser.add_argument(
        'config', help='a file, or a name such as mmdet::yolox/yolox_s_8xb8-300e_coco.py'
    )
    add_cfg_options(parser)


def add_cfg_options(parser: argparse.ArgumentParser) -> None:
    """Changes to the config."""
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='changes of the config by dotted key, such as lottery.targets.exclude=neck',
    )


def add_lottery(parser: argparse.ArgumentParser) -> None:
    """The keys of ``lottery`` that have an option of their own."""
    group = parser.add_argument_group('lottery', 'instead of what the config says')
    group.add_argument(
        '--target-sparsity', type=float, metavar='S', help='of the prunable weights, at the end'
    )
    group.add_argument('--rounds', type=int, metavar='N', help='pruning rounds, or')
    group.add_argument(
        '--rate', type=float, metavar='R', help='share of the rest pruned a round, or'
    )
    group.add_argument(
        '--sparsities', type=_sparsities, metavar='S,S', help='sparsity after each round'
    )
    group.add_argument('--rewind', metavar='STEP', help="'0', '500it', '1ep' or 'best'")
    group.add_argument(
        '--rewind-what', metavar='WHAT', help='weights, learning_rate, nothing or reinit'
    )
    group.add_argument(
        '--after-rewind', metavar='WHAT', help='continue the schedule, or full: run it anew'
    )
    group.add_argument(
        '--score',
        type=_choice,
        metavar='NAME[,KEY=VALUE]',
        help='what ranks the weights, such as snip,batches=4',
    )
    group.add_argument(
        '--allocation',
        type=_choice,
        metavar='NAME',
        help='what spreads the budget over layers, such as erk or backbone=0.9,neck=0.5',
    )
    group.add_argument('--floor', type=float, metavar='F', help='smallest share kept of a layer')
    group.add_argument(
        '--pattern', type=_choice, metavar='NAME', help='unstructured, kernel, channel, 2:4 …'
    )
    group.add_argument(
        '--ticket', metavar='FILE', help='train this ticket once, as it is, in place of a search'
    )
    group.add_argument(
        '--rounds-per-run', type=int, metavar='N', help='end after N rounds; go on with --resume'
    )


def lottery(options: argparse.Namespace) -> dict[str, Any]:
    """The keys of ``lottery`` that were given."""
    given = {key: getattr(options, key) for key in LOTTERY}
    return {key: value for key, value in given.items() if value is not None}


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


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
