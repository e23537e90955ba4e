"""Averages tickets of a search with the same tickets trained in other orders, and tests the means.

    python tools/study/soups.py work_dirs/study/bccd_cheap/seed_0 docs/studies/bccd_cheap/seed_0

The branches ``data_order`` and ``data_order_1`` must be done. What is tested is written to
``soups.json`` beside the numbers of the search, where `cost_table.py` finds it.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cost_table import iterations, read_state
from mmengine.registry import init_default_scope

from mmlth.engine.configs import searched_config
from mmlth.engine.evaluation import Evaluation
from mmlth.engine.soup import soup
from mmlth.ticket import write_bytes

ORDERS = ('data_order', 'data_order_1')


def soups_of(search: Path, config: Any, work_dir: Path) -> Iterator[dict[str, Any]]:
    """The soups of a search: of each ticket that the branches have trained, too.

    Args:
        search: The work_dir of the search.
        config: The config that it was accepted with.
        work_dir: Where what is logged goes.
    """
    state, evaluation = read_state(search), Evaluation(config, work_dir)
    for number, index in enumerate(
        read_state(search / 'branches' / ORDERS[0])['branch']['tickets'], 1
    ):
        own = state['rounds'][index]
        tickets = [search / own['ticket']]
        cost = iterations(state, index)
        for order in ORDERS:
            branch = read_state(search / 'branches' / order)
            tickets.append(search / 'branches' / order / branch['rounds'][number]['ticket'])
            cost += branch['rounds'][number]['iter'] - state['rewind']['iteration']
        metrics = evaluation.measured(soup(tickets, config).state_dict())
        yield {
            'round': index,
            'sparsity': own['sparsity'],
            'metrics': metrics,
            'iterations': cost,
        }


def main() -> None:
    """Makes and tests the soups of a search."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('search', type=Path, help='its work_dir')
    parser.add_argument('numbers', type=Path, help='where its numbers are kept')
    options = parser.parse_args()
    for order in ORDERS:
        branch = options.search / 'branches' / order
        if not list(branch.glob('tickets/*')):
            parser.error(
                f'{branch} has no tickets; where {options.numbers / "branches" / order} has its '
                'numbers only, remove these, and run the study again'
            )
    config = searched_config(options.search / 'search.json')
    init_default_scope(config.get('default_scope', 'mmengine'))
    with tempfile.TemporaryDirectory() as folder:
        made = list(soups_of(options.search, config, Path(folder)))
    for each in made:
        print(f'round {each["round"]}: {each["metrics"]}')
    write_bytes(options.numbers / 'soups.json', (json.dumps(made, indent=1) + '\n').encode())


if __name__ == '__main__':
    main()
