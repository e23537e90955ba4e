"""``mmlth analyze``: what models find, miss and confuse, their masks and cost, side by side."""

import argparse
import sys
from pathlib import Path

from rich.table import Table

from mmlth.commands.weights import weights_at
from mmlth.console import output_console
from mmlth.engine import LotteryError, read_config
from mmlth.messages import reason
from mmlth.report.cost import cost_of
from mmlth.report.masks import layers_of, masks_of
from mmlth.report.page import write_page
from mmlth.report.predictions import analysis_sections, failures, model_tickets, predict_all


def run(options: argparse.Namespace) -> None:
    """Writes report.html, report.md, plots and CSVs; prints the tables."""
    names = options.names or _names(options.models)
    if len(names) != len(options.models) or len(set(names)) < len(names):
        raise LotteryError(
            f'--names takes a name of its own for each of the {len(options.models)} models, got '
            f'{" ".join(names)}'
        )
    config = read_config(options.config, options.cfg_options)
    folder = Path(options.work_dir or f'work_dirs/{Path(options.config).stem}_analyze')
    tickets = {name: weights_at(path) for name, path in zip(names, options.models)}
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
    console = output_console()
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
