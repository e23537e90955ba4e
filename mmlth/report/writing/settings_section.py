"""The last section: where the numbers come from, and how to get them again."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from mmlth.engine.state import SearchPaths
from mmlth.pruning.scores import DIFFERENCE
from mmlth.report.kit import plain_table
from mmlth.report.page import Code, Details, Part, Section, shown
from mmlth.report.searches import Search, Searches
from mmlth.ticket import TicketError, load_info


def settings_section(searches: Searches) -> Section:
    """The settings and versions of searches, and the commands that repeat them.

    Args:
        searches: The searches of the page.
    """
    first, metric = searches.first, searches.metric
    folders = [f'{shown(search.work_dir)}_again' for search in searches]
    report = ['mmlth', 'report', *folders, *(['--metric', metric] if metric else [])]
    parts: list[Part] = [
        'The config of a search is part of its search.json. Where the search was started, these '
        'commands repeat it and make this page; a work_dir that lies elsewhere is told by its name '
        'alone:',
        Code('\n'.join([*map(_training, searches, folders), shlex.join(report)])),
    ]
    branches = [
        _training(branch, f'{folder}/{branch.work_dir.relative_to(search.work_dir)}', search)
        for search, folder, children in zip(searches, folders, searches.branches)
        for branch in (child.search for child in children)
    ]
    if branches:
        commands = Details('Commands of the branches, before the report', Code('\n'.join(branches)))
        parts.append(commands)
    parts += [
        _lottery_table(first.lottery),
        *([DIFFERENCE] if _by_difference(first.lottery.get('score')) else []),
        Details('All settings that decide the result', Code(_json(first.settings))),
    ]
    for search in searches:
        facts = _provenance(search)
        if facts is not None:
            parts.append(facts)
    return Section('Settings and provenance', tuple(parts))


def _by_difference(score: Any) -> bool:
    return isinstance(score, Mapping) and score.get('product') == 'difference'


def _training(search: Search, folder: str, parent_search: Search | None = None) -> str:
    """The command that trains it again, from where it started.

    Args:
        search: A search or a branch.
        folder: Where to.
        parent_search: The search that it is a branch of.
    """
    above = (parent_search or search).work_dir
    config = f'{shown(above)}/{SearchPaths(search.work_dir).state.relative_to(above)}'
    if not search.state.get('accepted_config'):  # of an earlier mmlth
        config = 'CONFIG'
    changes = ['--cfg-options', f'randomness.seed={search.seed}']
    command = ['mmlth', 'train', config, '--work-dir', folder, *changes]
    processes = search.state.get('world_size') or 1
    if processes > 1:
        command = ['torchrun', f'--nproc-per-node={processes}', '-m', *command]
        command += ['--launcher', 'pytorch']
    return shlex.join(command)


def _lottery_table(lottery: Mapping[str, Any]) -> Table:
    table = plain_table('lottery')
    table.add_column('value', overflow='fold')
    for key, value in lottery.items():
        if value is not None:
            table.add_row(Text(key), Text(value if isinstance(value, str) else json.dumps(value)))
    return table


def _provenance(search: Search) -> Table | None:
    """What the metadata of the newest ticket say; None while there is none."""
    if not search.rounds:
        return None
    try:
        metadata = load_info(search.ticket(search.rounds[-1]))
    except (OSError, TicketError):
        return None  # it was deleted, or another mmlth wrote it; its numbers are in search.json
    rewind = search.state.get('rewind') or {}
    facts = {
        'seed': search.seed,
        'processes': search.state.get('world_size'),
        'training started from': (start := search.state.get('load_from')) and shown(start),
        'SHA-256 of that checkpoint': search.state.get('load_from_sha256'),
        **{f'version of {name}': text for name, text in (metadata.get('versions') or {}).items()},
        'SHA-256 of the settings': metadata.get('config_sha256'),
        'SHA-256 of the weights that are rewound to': rewind.get('weights_sha256'),
    }
    table = plain_table(f'search with seed {search.seed}')
    table.add_column('', overflow='fold')
    for name, fact in facts.items():
        if fact is not None:
            table.add_row(Text(name), Text(str(fact)))
    return table


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False)
