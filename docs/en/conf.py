"""What Sphinx makes the site from: the pages of this folder, and a few that lie beside the code.

``make site`` builds it. The pages are plain Markdown, so that they read as well without a site.
"""

import os
import re
import sys
from pathlib import Path

from sphinx.application import Sphinx

PAGES = Path(__file__).parent
ROOT = PAGES.parents[1]
sys.path.insert(0, str(ROOT))

from mmlth_common.version import __version__  # noqa: E402

project = 'mmlth'
author = 'the authors of mmlth'
release = version = __version__
language = 'en'

extensions = ['myst_parser', 'sphinx_copybutton']
myst_heading_anchors = 4
myst_links_external_new_tab = False
copybutton_exclude = '.linenos, .gp, .go'

html_theme = 'furo'
html_title = f'mmlth {__version__}'
html_static_path = ['_static']
html_css_files = ['site.css']
html_copy_source = False
html_show_sphinx = False
# Published sites are linked from elsewhere, so `make linkcheck` asks only for what answers.
linkcheck_anchors = False
linkcheck_timeout = 20

SHOWN = {
    'benchmarks': 'benchmarks/README.md',
    'project/changelog': 'CHANGELOG.md',
    'project/contributing': 'CONTRIBUTING.md',
}
"""Pages that lie where their readers look for them; here a line links to each."""

_PAGE_OF = {path: page for page, path in SHOWN.items()}
_LINK = re.compile(r'(?<=\]\()(?!\w+:|#)([^)#\s]+)')


def _relinked(text: str, written_at: Path, page: str) -> str:
    """Lets the links of a text lead to pages of the site, and else into the repository.

    Args:
        text: Markdown, whose links are relative.
        written_at: The folder that they are relative to.
        page: The page that shows the text.
    """

    def target(match: re.Match[str]) -> str:
        file = Path(os.path.normpath(written_at / match[1]))
        name = file.relative_to(ROOT).as_posix()
        if name in _PAGE_OF:
            file = PAGES / f'{_PAGE_OF[name]}.md'
        elif address := _address(file):
            return address
        return os.path.relpath(file, (PAGES / page).parent)

    return _LINK.sub(target, text)


def _address(file: Path) -> str | None:
    """Where a file that is no page and no image can be read; None: only here, as a download."""
    clone = os.environ.get('READTHEDOCS_GIT_CLONE_URL')
    if not clone or file.is_relative_to(PAGES) or file.suffix in ('.png', '.svg'):
        return None
    commit = os.environ.get('READTHEDOCS_GIT_COMMIT_HASH', 'main')
    kind = 'tree' if file.is_dir() else 'blob'
    return f'{clone.removesuffix(".git")}/{kind}/{commit}/{file.relative_to(ROOT).as_posix()}'


def _read(app: Sphinx, page: str, source: list[str]) -> None:
    file = PAGES / f'{page}.md'
    if page in SHOWN:
        file = ROOT / SHOWN[page]
        app.env.note_dependency(str(file))
        source[0] = file.read_text()
    source[0] = _relinked(source[0], file.parent, page)


def setup(app: Sphinx) -> None:
    """Asks Sphinx to hand over each page before it is parsed."""
    app.connect('source-read', _read)
