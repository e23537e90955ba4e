"""docs/en/faq.md quotes errors that the code has, and says where to read about the others."""

import re
from pathlib import Path

import pytest
from messages_in_code import modules_with_errors, texts
from repository import DEMO, ROOT

from mmlth.data import make_shapes
from mmlth_cli.main import main

PAGE = (ROOT / 'docs/en/faq.md').read_text()
ERRORS, OTHERS = PAGE.split('\n## Errors\n')[1].split('\n### All other errors\n')
ENTRY = re.compile(r'```text\n(.*?)```\n\n(.*?)(?=\n```|\n### |\Z)', re.S)
QUOTES = [line for quoted, _ in ENTRY.findall(ERRORS) for line in quoted.splitlines()]
LEAST = 6
"""How many letters a quote has at least, so that it cannot stand for just any text."""


def pattern(quote: str) -> re.Pattern[str]:
    return re.compile('.*'.join(map(re.escape, quote.split('…'))), re.S)


def test_the_page_has_errors():
    assert len(QUOTES) > 50
    assert all(len(re.findall('[a-z]', quote)) >= LEAST for quote in QUOTES)


@pytest.fixture(scope='module')
def written() -> set[str]:
    return texts()


@pytest.mark.parametrize('quote', QUOTES)
def test_each_is_in_the_code(quote, written):
    assert any(pattern(quote).fullmatch(text) for text in written)


def test_a_message_that_the_code_lacks_is_noticed(written):
    gone = pattern('lottery.… must lie between 0 and 2 (excluded), got …')
    assert not any(gone.fullmatch(text) for text in written)


def test_each_has_a_cause_and_a_remedy():
    entries = ENTRY.findall(ERRORS)
    assert len(entries) == ERRORS.count('```text\n')
    for quoted, told in entries:
        assert re.search(r'\*Cause\.\* .+\*Remedy\.\* .+', told, re.S), quoted


def test_all_other_errors_have_a_page():
    """Of each module that raises one; and the page names no module that raises none."""
    rows = re.findall(r'^\| (`mmlth.*?) \|', OTHERS, re.M)
    named = re.findall('`(.*?)`', ' '.join(rows))
    raising = modules_with_errors()
    assert len(raising) > 100
    told = {each for each in raising for name in named if f'{each}.'.startswith(f'{name}.')}
    assert raising - told == set()
    silent = [name for name in named if not any(f'{e}.'.startswith(f'{name}.') for e in raising)]
    assert silent == []


CONFIG = str(DEMO)
SEEN = {
    'key': ['targets', CONFIG, '--cfg-options', 'lottery.exclude=[neck]'],
    'percentage': ['targets', CONFIG, '--target-sparsity', '80'],
    'two kinds of steps': ['targets', CONFIG, '--cfg-options', 'lottery.rate=0.2'],
    'pattern': ['targets', CONFIG, '--cfg-options', 'lottery.targets.exclude=[spine]'],
    'nothing left': ['targets', CONFIG, '--cfg-options', 'lottery.targets.include=[rpn_cls]'],
    'no file': ['targets', 'mine.py'],
    'no config of the zoo': ['targets', 'mmdet::yolox/mine.py'],
    'no model': ['targets', 'mmdet::_base_/default_runtime.py'],
    'no data': ['train', CONFIG, '--work-dir', 'work'],
    'no search': ['branch', 'work', 'random'],
    'no ticket': ['inspect', 'text.safetensors'],
}
"""Commands that fail as newcomers' do."""


@pytest.mark.parametrize('name', SEEN)
def test_what_newcomers_see_is_on_the_page(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path('text.safetensors').write_text('no ticket')
    assert main(SEEN[name]) == 1
    line = capsys.readouterr().err.strip().rpartition('\n')[2].removeprefix('mmlth: ')
    assert len([quote for quote in QUOTES if pattern(quote).match(line)]) == 1, line


def test_classes_that_the_file_lacks(tmp_path, monkeypatch, capsys):
    """The page tells the cause of empty data by what MMDetection does."""
    monkeypatch.chdir(tmp_path)
    make_shapes('work_dirs/data/shapes', 2, 2)
    classes = "train_dataloader.dataset.metainfo.classes=('a','b','c')"
    assert main(['train', CONFIG, '--work-dir', 'work', '--cfg-options', classes]) == 1
    assert 'mmlth: the training data are empty: ' in capsys.readouterr().err
