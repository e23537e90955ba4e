"""Links between the pages of this repository lead somewhere, also where no site shows them."""

import re
from functools import cache
from pathlib import Path

import pytest
from repository import ROOT

FOLDERS = ('.github', 'benchmarks', 'configs', 'demo', 'docs')
PAGES = sorted(
    [*ROOT.glob('*.md'), *(page for folder in FOLDERS for page in (ROOT / folder).rglob('*.md'))]
)
LINK = re.compile(r'\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]*))?\)')
NAMED = re.compile(r'(?<![\w/.])(?:configs|tools|tests|benchmarks|docs)/[\w./-]+\.(?:py|sh|md)')
"""Files of this repository that a text names without a link."""
OF_OPENMMLAB = {'tools/train.py', 'tools/test.py'}


def without_code(text: str) -> str:
    return re.sub(r'^```.*?^```', '', text, flags=re.M | re.S)


@cache
def anchors(page: Path) -> set[str]:
    """Those of the headings, as GitHub and the site make them."""
    found: dict[str, int] = {}
    for heading in re.findall(r'^#+ (.+)$', without_code(page.read_text()), re.M):
        plain = re.sub(r'\[([^]]*)\]\([^)]*\)', r'\1', heading).lower()
        slug = re.sub(r'[^\w\- ]', '', plain.strip()).replace(' ', '-')
        found[slug] = found.get(slug, 0) + 1
    return {f'{slug}-{n}' if n else slug for slug, count in found.items() for n in range(count)}


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(without_code(page.read_text())):
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), f'{page.relative_to(ROOT)} links to {target}, which is not there'
        if anchor:
            assert anchor in anchors(file), f'{target or page.name} has no heading #{anchor}'


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_are_named_exist(page: Path) -> None:
    named = set(NAMED.findall(page.read_text())) - OF_OPENMMLAB
    placeholders = {name for name in named if re.search('[A-Z]{4}', name)}  # README.md is linked
    assert not [name for name in named - placeholders if not (ROOT / name).exists()]
