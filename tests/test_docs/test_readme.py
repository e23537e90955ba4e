"""Both READMEs: short, in step with each other, with the numbers of the page of results."""

import re

import pytest
from repository import ROOT

ENGLISH, CHINESE = (
    (ROOT / name).read_text(encoding='utf-8') for name in ('README.md', 'README_zh-CN.md')
)
BLOCK = re.compile(r'^```.*?^```$', re.M | re.S)
LONGEST = 120
LINES = {'ticket': 0, 'learning_rate': 1, 'random': 2, 'long_dense': 3}
"""Where the README has a line of the first table of results."""


def headings(text: str) -> list[str]:
    return re.findall('^(#+) ', BLOCK.sub('', text), re.M)


def rows(text: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip('|').split('|')]
        for line in text.splitlines()
        if line.startswith('|')
    ]


def results_of(readme: str) -> list[list[str]]:
    """The table of results without its head and the names of its lines."""
    section = next(part for part in readme.split('\n## ') if '± ' in part)
    return [row[1:] for row in rows(section)[2:]]


def test_one_is_short() -> None:
    assert len(ENGLISH.splitlines()) <= LONGEST


def test_both_have_the_same_headings_code_and_numbers() -> None:
    assert headings(CHINESE) == headings(ENGLISH)
    assert BLOCK.findall(CHINESE) == BLOCK.findall(ENGLISH)
    assert results_of(CHINESE) == results_of(ENGLISH)
    assert [len(row) for row in rows(CHINESE)] == [len(row) for row in rows(ENGLISH)]


@pytest.mark.parametrize('line', LINES)
def test_numbers_are_those_of_the_results(line: str) -> None:
    page = (ROOT / 'docs/en/results.md').read_text(encoding='utf-8')
    there = {row[0]: row[1:] for row in reversed(rows(page)) if len(row) == 7}  # the first counts
    dense = next(row[0] for row in rows(page) if row[0].startswith('dense '))
    whole, *pruned = results_of(ENGLISH)[LINES[line]]
    if line == 'long_dense':
        assert [whole, *pruned] == [there[line][0], '', '', '', '']
    else:
        assert pruned == there[line][1:5]
        assert whole == (dense.removeprefix('dense ') if line == 'ticket' else '')
