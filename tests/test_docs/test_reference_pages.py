"""Reference pages say what the code declares, all of it."""

import re
from typing import Any

import pytest
import write_pages
from kit import search_by
from toy import SIZED, toy_config

import mmlth
from mmlth import registry
from mmlth_cli.main import build_parsers


@pytest.mark.parametrize('name', write_pages.PAGES)
def test_a_page_is_what_the_script_writes(name: str) -> None:
    written = (write_pages.FOLDER / name).read_text()
    assert written == write_pages.PAGES[name](), 'run python tools/reference/write_pages.py'


def test_each_command_has_all_of_its_options() -> None:
    page = write_pages.PAGES['commands.md']()
    for name, parser in build_parsers()[1].items():
        section = page.split(f'## `mmlth {name}`')[1].split('\n## ')[0]
        options = [option for action in parser._actions for option in action.option_strings]
        assert [each for each in options if f'`{each}' not in section] == ['-h', '--help']


def test_all_that_mmlth_hands_out_has_its_entry() -> None:
    page = write_pages.PAGES['python.md']()
    names = set(mmlth.__all__) - {'__version__'}
    assert not [name for name in names if f'### `mmlth.{name}`' not in page]


def test_all_that_is_registered_has_its_row() -> None:
    page = write_pages.PAGES['registries.md']()
    for name in registry.__all__:
        members = getattr(registry, name)
        members.import_from_location()
        assert members.module_dict
        lacking = {key for key in members.module_dict if not re.search(rf'`(mmlth\.)?{key}`', page)}
        assert not lacking


def test_every_key_of_a_search_is_told(tmp_path) -> None:
    page = write_pages.PAGES['search-json.md']()
    macs = {'budget': 'macs', 'sparsities': [0.8]}
    counted = search(tmp_path, **macs)
    control = search(tmp_path / 'branches/a', **macs, branch={'control': 'random'})
    other = search(tmp_path / 'branches/b', **macs, score='random', branch={'length': 2})
    stopped = search(tmp_path / 'stopped', early_bird={'window': 2}, sparsities=[0.8])
    for state in (counted, control, other, stopped):
        parts: list[dict[str, Any]] = [state, state['rewind'], state['branch'] or {}]
        keys = {key for part in [*parts, *state['rounds'], *state['targets']] for key in part}
        assert not [key for key in keys if f'| `{key}` |' not in page]


def search(work_dir, **lottery) -> dict[str, Any]:
    config = toy_config(work_dir, **SIZED)
    config.lottery = {'rewind': '1ep', **lottery}
    return search_by(config)
