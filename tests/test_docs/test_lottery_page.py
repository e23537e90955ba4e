"""What is declared of a key holds in the command line, in the checks and on the page of keys."""

import argparse
from dataclasses import fields

import lottery_page
import pytest

from mmlth.engine.settings import parse_settings
from mmlth.errors import LotteryError
from mmlth_cli.main import COMMANDS
from mmlth_common.lottery import EarlyBirdSettings, LotteryKeys, TargetSettings, info_of

BAD = {
    'choice': 'another',
    'count': 0,
    'file': 3,
    'flag': 'yes',
    'share': 1.5,
    'share_from_zero': 1.0,
    'shares': [0.5, 1.5],
    'spec': 'unregistered',
    'weight': 0,
}
TABLES = {'': LotteryKeys, 'targets': TargetSettings, 'early_bird': EarlyBirdSettings}
CHECKED = [
    (table, key.name, info_of(key).kind)
    for table, keys in TABLES.items()
    for key in fields(keys)
    if info_of(key).kind != 'other'
]


def test_the_page_has_all_keys():
    page = lottery_page.page()
    keys = [key.name for key in fields(LotteryKeys)]
    assert [row for row in keys if f'\n| `{row}` |' in page] == keys


@pytest.mark.parametrize('command', ['train', 'targets', 'branch'])
def test_options_are_those_of_the_keys(command):
    parser = argparse.ArgumentParser()
    COMMANDS[command].add_arguments(parser)
    (group,) = (each for each in parser._action_groups if each.title == 'lottery')
    options = {action.option_strings[0]: action for action in group._group_actions}
    declared = {
        f'--{key.name.replace("_", "-")}': info_of(key)
        for key in fields(LotteryKeys)
        if info_of(key).metavar is not None
    }
    assert list(options) == list(declared)
    assert {'--target-sparsity', '--score', '--ticket'} <= options.keys()
    for name, action in options.items():
        assert (action.help, action.metavar) == (declared[name].meaning, declared[name].metavar)


@pytest.mark.parametrize(('table', 'key', 'kind'), CHECKED)
def test_a_value_that_its_kind_forbids_is_an_error(table, key, kind):
    lottery = {key: BAD[kind]}
    name = f'lottery.{table}.{key}' if table else f'lottery.{key}'
    with pytest.raises(LotteryError, match=f'^{name} must '):
        parse_settings({table: lottery} if table else lottery)
