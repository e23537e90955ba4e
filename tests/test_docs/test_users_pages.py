"""What the users' pages name exists: commands, options, keys of lottery, files, headings."""

import argparse
import re
from dataclasses import fields

import pytest
from page_blocks import blocks, commands, run_page
from repository import ROOT
from torch.nn.utils import prune

import mmlth
from mmlth_cli.main import COMMANDS
from mmlth_common.lottery import BranchSettings, EarlyBirdSettings, LotteryKeys, TargetSettings

FOLDER = ROOT / 'docs/en'
NAMES = ('get_started.md', 'tutorial.md', 'glossary.md', 'faq.md', 'coming_from.md')
TEXTS = {name: (FOLDER / name).read_text() for name in NAMES}
PAGES = pytest.mark.parametrize('page', NAMES)


@PAGES
def test_commands_have_these_options(page):
    text = TEXTS[page]
    scripts = (block for language, block in blocks(text) if language == 'sh')
    lines = [words for script in scripts for words in commands(script) if words[0] == 'mmlth']
    inline = [line.split() for line in re.findall('`(mmlth [a-z]+ [^`]*)`', text)]
    for words in lines + inline:
        if words[1] == '--version':
            continue
        parser = argparse.ArgumentParser(exit_on_error=False)
        COMMANDS[words[1]].add_arguments(parser)
        options = {option for action in parser._actions for option in action.option_strings}
        assert {word for word in words[2:] if word.startswith('--')} <= options, words


@PAGES
def test_keys_are_those_of_lottery(page):
    groups = {'targets': TargetSettings, 'early_bird': EarlyBirdSettings, 'branch': BranchSettings}
    known = {key.name for key in fields(LotteryKeys)}
    text = TEXTS[page].replace('lottery.md', '')
    for key, below in re.findall(r'lottery\.(\w+)(?:\.(\w+))?', text):
        assert key in known, key
        assert not below or key not in groups or below in {k.name for k in fields(groups[key])}
    for given in re.findall(r'lottery = dict\((.*)\)', text):
        own = re.sub(r'dict\(.*?\)|\[.*?\]', '', given)
        assert set(re.findall(r'(\w+)=', own)) <= known


@PAGES
def test_links_between_them_lead_somewhere(page):
    for name, heading in re.findall(r'\]\((\w*(?:\.md)?)(?:#([\w-]+))?\)', TEXTS[page]):
        target = name or page
        if target in TEXTS and heading:
            headings = re.findall(r'^#+ (.+)$', TEXTS[target], re.M)
            anchors = {re.sub(r'[^\w -]', '', h.lower()).replace(' ', '-') for h in headings}
            assert heading in anchors, (page, target, heading)
    for image in re.findall(r'!\[.*?\]\((.*?)\)', TEXTS[page]):
        assert (FOLDER / image).is_file()


def test_glossary():
    (glossary,) = re.findall(r'^```{glossary}\n(.*?)^```', TEXTS['glossary.md'], re.M | re.S)
    terms = re.findall(r'^(\S.*)$', glossary, re.M)
    assert terms == sorted(terms, key=str.lower)
    words = 'round, rewind step, winning, targets, S1, S2, parent search, branch, control, ticket'
    assert set(words.split(', ')) <= set(terms)
    keys = {'score', 'allocation', 'pattern', 'budget', 'method', 'schedule', 'floor'}
    assert keys <= set(terms)


def test_coming_from_torch_and_python(tmp_path, monkeypatch):
    """The example runs, and the names of both sides exist."""
    monkeypatch.chdir(tmp_path)
    text = TEXTS['coming_from.md']
    run_page(FOLDER / 'coming_from.md', text)
    assert mmlth.load_ticket('ticket.safetensors').mask.sparsity == 0.5
    theirs = re.search(r'\| `torch.nn.utils.prune` \| mmlth \|\n(.*?)\n\n', text, re.S)[1]
    names = re.findall(r'^\| `(\w+)', theirs, re.M)
    assert len(names) > 6
    assert [n for n in names if not hasattr(prune, n) and not n.startswith('weight')] == []
    for page in TEXTS.values():
        for name in re.findall(r'mmlth\.(\w+)\(', page):
            assert hasattr(mmlth, name), name
