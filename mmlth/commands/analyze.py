"""``mmlth analyze``: what models find, miss and confuse, their masks and cost, side by side."""

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mmlth.analysis.keypoints import FORMULAS
from mmlth.cli.options import add_config
from mmlth.engine import LotteryError, read_config
from mmlth.engine.evaluation import SPLITS
from mmlth.engine.tickets import read_weights
from mmlth.messages import reason
from mmlth.ticket import Ticket

_LOG_WIDTH = 120


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.epilog = (
        'Predictions are computed once a model and kept in WORK_DIR/predictions, by the hash of '
        'weights, settings and data.'
    )
    add_config(parser)
    parser.add_argument(
        'models',
        nargs='+',
        metavar='MODEL',
        help='tickets or checkpoints; the first is what others are compared with: the dense one',
    )
    parser.add_argument('--names', nargs='+', help='of the models; default: those of their files')
    parser.add_argument('--split', choices=SPLITS, default='val', help='default: val')
    parser.add_argument(
        '--keypoint-formula',
        choices=FORMULAS,
        default='paper',
        help='which rules tell errors of keypoints apart and correct them: those that Ronchi and '
        'Perona (2017) write down (default), or those of their released code',
    )
    parser.add_argument('--work-dir', help='default: work_dirs/CONFIG_analyze')


def run(options: argparse.Namespace) -> None:
    """Writes report.html, report.md, plots and CSVs; prints the tables."""
    # Plotting takes a second to import, which other commands need not wait for.
    from mmlth.report.cost import cost_of
    from mmlth.report.masks import layers_of, masks_of
    from mmlth.report.page import write_page
    from mmlth.report.predictions import analysis_sections, failures, model_tickets, predict_all

    names = options.names or _names(options.models)
    if len(names) != len(options.models) or len(set(names)) < len(names):
        raise LotteryError(
            f'--names takes a name of its own for each of the {len(options.models)} models, got '
            f'{" ".join(names)}'
        )
    config = read_config(options.config, options.cfg_options)
    folder = Path(options.work_dir or f'work_dirs/{Path(options.config).stem}_analyze')
    tickets = {name: _read(path) for name, path in zip(names, options.models)}
    try:
        models = predict_all(config, tickets, folder / 'predictions', options.split)
        masked = model_tickets(models, tickets, folder / 'tickets')
        sections = [
            *analysis_sections(models, options.keypoint_formula),
            *([layers_of(masked), masks_of(masked), cost_of(masked)] if masked else []),
        ]
    except (OSError, ValueError, ModuleNotFoundError) as error:
        raise LotteryError(reason(error)) from error
    page = write_page(', '.join(names), sections, folder)
    console = Console(width=None if sys.stdout.isatty() else _LOG_WIDTH)
    for section in sections:
        for part in section.parts:
            if isinstance(part, Table):
                console.print(part)
                console.print()
    for failure in failures(sections):
        print(f'mmlth: {failure}', file=sys.stderr)
    console.out(f'report: {page}', highlight=False)


def _names(paths: list[str]) -> list[str]:
    """The stems of files where they differ, else their paths."""
    stems = [Path(path).stem for path in paths]
    return stems if len(set(stems)) == len(stems) else paths


def _read(path: str) -> Ticket:
    try:
        return read_weights(path)
    except FileNotFoundError as error:
        raise LotteryError(f'{error} (seen from {Path.cwd()})') from error
