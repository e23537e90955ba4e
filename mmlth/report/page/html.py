"""A report as one HTML file that needs no other, for screens, phones and paper."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path

import jinja2

from mmlth.report.page.section import Image, Part, Section
from mmlth.report.page.table_cells import cells
from mmlth_common.version import __version__

_TEMPLATE = Path(__file__).with_name('page.html')


def html(title: str, sections: Sequence[Section], plots: Mapping[str, bytes]) -> str:
    """Writes a report.

    Args:
        title: What the report is of.
        sections: The sections from the top to the bottom; the first stands above the fold.
        plots: The SVG files of all figures, by name.
    """
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(_TEMPLATE.read_text(encoding='utf-8'))
    return template.render(
        title=title,
        sections=sections,
        plots={name: _data('image/svg+xml', svg) for name, svg in plots.items()},
        jpeg=_jpeg,
        cells=cells,
        kind_of=_kind,
        unknown=_unknown,
        version=__version__,
    )


def _kind(part: Part) -> str:
    return type(part).__name__


def _unknown(kind: str) -> None:
    raise TypeError(f'a page cannot show a part of the kind {kind}')


def _jpeg(image: Image) -> str:
    return _data('image/jpeg', image.jpeg)


def _data(kind: str, content: bytes) -> str:
    return f'data:{kind};base64,{base64.b64encode(content).decode()}'
