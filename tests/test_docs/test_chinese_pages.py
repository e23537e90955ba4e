"""docs/zh_cn says what docs/en says: section by section, with the same code, links and names."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from repository import ROOT

ENGLISH, CHINESE = ROOT / 'docs/en', ROOT / 'docs/zh_cn'
NAMES = sorted(page.name for page in CHINESE.glob('*.md') if page.name != 'index.md')
PAGES = pytest.mark.parametrize('name', NAMES)
BLOCK = re.compile(r'^```.*?^```$', re.M | re.S)
HEADING = re.compile(r'^(#+) .+$', re.M)
LINK = re.compile(r'\]\((?!\w+:)([^)#\s]*)')
CODE = re.compile(r'`([^`\n]+)`')


def sections(page: Path) -> Iterator[tuple[str, str]]:
    """The level of each heading, as its number signs, and the text from it to the next one."""
    text = page.read_text(encoding='utf-8')
    code = [range(*block.span()) for block in BLOCK.finditer(text)]
    heads = [head for head in HEADING.finditer(text) if not any(head.start() in b for b in code)]
    for head, end in zip(heads, [*(each.start() for each in heads[1:]), len(text)], strict=True):
        yield head[1], text[head.start() : end]


def pairs(name: str) -> list[tuple[str, str]]:
    """The text of each section, in English and in Chinese."""
    texts = zip(sections(ENGLISH / name), sections(CHINESE / name), strict=True)
    return [(english, chinese) for (_, english), (_, chinese) in texts]


def targets(page: Path, section: str) -> list[str]:
    """The files that a section links to, a Chinese page as its English counterpart."""
    files = (os.path.normpath(page.parent / (name or page.name)) for name in LINK.findall(section))
    return sorted(
        str(ENGLISH / Path(file).name) if Path(file).parent == CHINESE else file for file in files
    )


def names_in(section: str) -> list[str]:
    return sorted(CODE.findall(BLOCK.sub('', section)))


def listed(page: Path) -> list[Path]:
    """The pages of its tables of contents; the repository's own file where a page shows one."""
    trees = re.findall(r'^```{toctree}\n(.*?)^```', page.read_text(encoding='utf-8'), re.M | re.S)
    names = [line for tree in trees for line in tree.splitlines() if re.match(r'\w', line)]
    pages = [page.parent / f'{name}.md' for name in names]
    shown = [re.match(r'This page is \[.*\]\((.*)\)', each.read_text()) for each in pages]
    return [
        Path(os.path.normpath(each.parent / other[1])) if other else each
        for each, other in zip(pages, shown, strict=True)
    ]


def test_what_newcomers_read_is_there() -> None:
    assert {'install.md', 'get_started.md', 'tutorial.md', 'faq.md'} <= set(NAMES)


def test_every_english_page_without_a_chinese_one_is_linked_to_once() -> None:
    index = CHINESE / 'index.md'
    text = index.read_text(encoding='utf-8').partition('\n## 英文页面\n')[2]
    linked = [Path(os.path.normpath(CHINESE / each)) for each in LINK.findall(text)]
    english = listed(ENGLISH / 'index.md')
    assert len(english) > 30
    assert sorted(linked) == sorted(page for page in english if page.name not in NAMES)


def test_every_chinese_page_is_in_the_contents() -> None:
    assert sorted(page.name for page in listed(CHINESE / 'index.md')) == NAMES


@PAGES
def test_headings_have_the_same_levels(name: str) -> None:
    levels = [level for level, _ in sections(ENGLISH / name)]
    assert [level for level, _ in sections(CHINESE / name)] == levels


@PAGES
def test_sections_have_the_same_blocks_of_code(name: str) -> None:
    for english, chinese in pairs(name):
        assert BLOCK.findall(chinese) == BLOCK.findall(english)


@PAGES
def test_sections_name_the_same_keys_commands_and_files(name: str) -> None:
    for english, chinese in pairs(name):
        assert names_in(chinese) == names_in(english), chinese.splitlines()[0]


@PAGES
def test_sections_link_to_the_same_pages(name: str) -> None:
    """To the Chinese one, where there is one."""
    for english, chinese in pairs(name):
        linked = targets(CHINESE / name, chinese)
        assert linked == targets(ENGLISH / name, english), chinese.splitlines()[0]
        written = {os.path.normpath(CHINESE / each) for each in LINK.findall(chinese)}
        assert not written & {str(ENGLISH / each) for each in NAMES}


@PAGES
def test_sections_have_as_many_points_and_rows(name: str) -> None:
    for english, chinese in pairs(name):
        kinds = (r'^- ', r'^\d+\. ', r'^\|')
        counts = [
            [len(re.findall(kind, BLOCK.sub('', text), re.M)) for kind in kinds]
            for text in (english, chinese)
        ]
        assert counts[0] == counts[1], chinese.splitlines()[0]
