"""What Sphinx makes the site from, in each language: its folder, and a few pages beside the code.

``make site`` builds it. The pages are plain Markdown, so that they read as well without a site. A
language is a Sphinx project of its own, whose ``conf.py`` takes all of this and names the language.
"""

import os
import re
import sys
from pathlib import Path, PurePosixPath

from sphinx.application import Sphinx

DOCS = Path(__file__).parent
ROOT = DOCS.parent
sys.path.insert(0, str(ROOT))

from mmlth_common.version import __version__  # noqa: E402

project = 'mmlth'
author = 'the authors of mmlth'
release = version = __version__

extensions = ['myst_parser', 'sphinx_copybutton']
myst_heading_anchors = 4
myst_links_external_new_tab = False
# The last two are links into another language: see _relinked.
myst_url_schemes = {
    **dict.fromkeys(('http', 'https', 'mailto', 'ftp')),
    'page': {'url': '{{path}}'},
    'heading': {'url': '{{path}}#{{fragment}}'},
}
copybutton_exclude = '.linenos, .gp, .go'

html_theme = 'furo'
html_title = f'mmlth {__version__}'
html_static_path = [str(DOCS / 'en/_static')]
html_css_files = ['site.css']
html_copy_source = False
html_show_sphinx = False
# Published sites are linked from elsewhere, so `make linkcheck` asks only for what answers.
linkcheck_anchors = False
linkcheck_ignore = [r'(?!\w+:)']  # what lies in another language is no file beside the sources
linkcheck_timeout = 20

PLACES = {'en': '', 'zh_cn': 'zh_cn'}
"""Where the pages of each language lie in the site, by the folder that they are written in."""

SHOWN = {
    'benchmarks': 'benchmarks/README.md',
    'project/changelog': 'CHANGELOG.md',
    'project/contributing': 'CONTRIBUTING.md',
}
"""English pages that lie where their readers look for them; here a line links to each."""

_PAGE_OF = {path: page for page, path in SHOWN.items()}
_LINK = re.compile(r'(?<=\]\()(?!\w+:|#)([^)#\s]+)')


def _relinked(text: str, written_at: Path, page: Path) -> str:
    """Lets the links of a text lead to pages of the site, and else into the repository.

    A page of another language is none of this Sphinx project, so a scheme marks its address.

    Args:
        text: Markdown, whose links are relative.
        written_at: The folder that they are relative to.
        page: The page that shows the text, as a file.
    """

    def target(match: re.Match[str]) -> str:
        file = Path(os.path.normpath(written_at / match[1]))
        name = file.relative_to(ROOT).as_posix()
        if name in _PAGE_OF:
            file = DOCS / 'en' / f'{_PAGE_OF[name]}.md'
        elif address := _address(file):
            return address
        if file.suffix == '.md' and _language(file) != _language(page):
            scheme = 'heading' if match.string.startswith('#', match.end()) else 'page'
            return f'{scheme}:{os.path.relpath(_place(file), _place(page).parent)}'
        return os.path.relpath(file, page.parent)

    return _LINK.sub(target, text)


def _language(file: Path) -> str | None:
    """The folder of the language that a page is written in; None: it is no page of the site."""
    return next((each for each in PLACES if file.is_relative_to(DOCS / each)), None)


def _place(page: Path) -> PurePosixPath:
    """Where a page lies in the site."""
    folder, *names = page.relative_to(DOCS).parts
    return PurePosixPath(PLACES[folder], *names).with_suffix('.html')


def _address(file: Path) -> str | None:
    """Where a file that is no page and no image can be read; None: only here, as a download."""
    clone = os.environ.get('READTHEDOCS_GIT_CLONE_URL')
    if not clone or _language(file) or file.suffix in ('.png', '.svg'):
        return None
    commit = os.environ.get('READTHEDOCS_GIT_COMMIT_HASH', 'main')
    kind = 'tree' if file.is_dir() else 'blob'
    return f'{clone.removesuffix(".git")}/{kind}/{commit}/{file.relative_to(ROOT).as_posix()}'


def _read(app: Sphinx, name: str, source: list[str]) -> None:
    page = file = Path(app.srcdir) / f'{name}.md'
    if name in SHOWN and _language(page) == 'en':
        file = ROOT / SHOWN[name]
        app.env.note_dependency(str(file))
        source[0] = file.read_text()
    source[0] = _relinked(source[0], file.parent, page)


def setup(app: Sphinx) -> None:
    """Asks Sphinx to hand over each page before it is parsed."""
    app.connect('source-read', _read)
