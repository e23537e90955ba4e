"""``mmlth inspect``: print what a ticket is like, or what changed from one ticket to another."""

import argparse
import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from mmlth.analysis import Inspection, TicketComparison, compare_tickets, inspect_ticket
from mmlth.analysis.cost import ModelMacs, model_macs
from mmlth.console import output_console
from mmlth.errors import LotteryError
from mmlth.quiet import quiet
from mmlth.report.inspection import (
    comparison_json,
    inspection_json,
    macs_json,
    plot_densities,
    print_inspection,
)
from mmlth.ticket import NotATicketError, is_ticket, write_bytes

_STDOUT = '-'


def run(options: argparse.Namespace) -> None:
    """Prints or writes what was asked for."""
    size = _input_size(options)
    _check_outputs(options)
    macs = None
    with quiet():  # what packages print is no JSON
        paths = [path for path in (options.ticket, options.second) if path is not None]
        inspections = [_inspect(path) for path in paths]
        comparison = compare_tickets(*(i.ticket for i in inspections)) if len(paths) == 2 else None
        if size is not None:
            with _working(f'counting the MACs for {size[0]} × {size[1]} pixels'):
                macs = model_macs(inspections[0].ticket, *size, options.config)
    if options.json is not None:
        _write_json(options.json, inspections, comparison, macs)
    if options.plot is not None:
        with _writing(options.plot):
            _plot(inspections, comparison, Path(options.plot))
    if options.json != _STDOUT:
        console = output_console()
        print_inspection(console, inspections, comparison, macs)


def _input_size(options: argparse.Namespace) -> tuple[int, int] | None:
    given = options.input_size
    if given is None:
        if options.config is not None:
            raise LotteryError(
                '--config is for counting MACs, which needs the size of an image, too: add '
                '--input-size H W, such as --input-size 800 1333'
            )
        return None
    if not all(side.isdecimal() and int(side) > 0 for side in given):
        raise LotteryError(
            f'--input-size takes height and width in pixels, two positive whole numbers, such as '
            f'--input-size 800 1333; got {" ".join(given)}'
        )
    height, width = map(int, given)
    return height, width


def _check_outputs(options: argparse.Namespace) -> None:
    """Before anything takes time."""
    if options.plot is not None and Path(options.plot).suffix not in ('.png', '.svg'):
        raise LotteryError(f'--plot takes the name of a .png or .svg file, got {options.plot}')
    if options.json not in (None, _STDOUT) and is_ticket(options.json):
        raise LotteryError(
            f'--json {options.json} would overwrite a ticket; name tickets before --json, or give '
            'another file'
        )


def _inspect(path: str) -> Inspection:
    try:
        return inspect_ticket(path)
    except FileNotFoundError as error:
        raise LotteryError(f'{error} (seen from {Path.cwd()}); {_hint(Path(path))}') from error
    except NotATicketError as error:
        raise LotteryError(f'{error}; {_hint(Path(path))}') from error
    except OSError as error:
        raise LotteryError(f'{path} cannot be read: {error.strerror or error}') from error


def _hint(path: Path) -> str:
    """Where tickets are: those near, else where a search puts them."""
    folders = (path, path / 'tickets', path.parent, path.parent / 'tickets')
    near = [file for folder in folders for file in sorted(folder.glob('*.safetensors'))]
    tickets = [str(file) for file in near if file != path and is_ticket(file)]
    if tickets:
        return f'tickets near: {", ".join(tickets[-3:])}'
    return 'a search writes its tickets to WORK_DIR/tickets/round_NN.safetensors'


def _write_json(
    target: str,
    inspections: Sequence[Inspection],
    comparison: TicketComparison | None,
    macs: ModelMacs | None,
) -> None:
    content: dict[str, Any] = {
        'tickets': [
            {**inspection_json(i), 'macs': macs and macs_json(macs, i.ticket.mask)}
            for i in inspections
        ],
        'comparison': comparison and comparison_json(comparison),
    }
    text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + '\n'
    if target == _STDOUT:
        sys.stdout.write(text)
        return
    with _writing(target):
        write_bytes(target, text.encode())


def _plot(
    inspections: Sequence[Inspection], comparison: TicketComparison | None, path: Path
) -> None:
    densities: dict[str, Sequence[float]]
    if comparison is None:
        densities = {layer.name: [layer.density] for layer in inspections[0].layers}
    else:
        densities = {pair.name: pair.densities for pair in comparison.layers}
    names = {inspection.path: Path(inspection.path).name for inspection in inspections}
    if len(set(names.values())) < len(inspections):
        names = {path: path for path in names}
    plot_densities(densities, [(names[i.path], i.ticket.mask.density) for i in inspections], path)


@contextlib.contextmanager
def _writing(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LotteryError(f'{path} cannot be written: {error.strerror or error}') from error


@contextlib.contextmanager
def _working(what: str) -> Iterator[None]:
    """Says on stderr what takes long: a spinner in a terminal, else a line."""
    console = Console(stderr=True)
    if not console.is_terminal:
        console.out(f'{what} ...', highlight=False)
    with console.status(what):
        yield
