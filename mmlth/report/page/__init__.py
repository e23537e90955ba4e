"""One page for all results: what it is made of, and how it is written."""

from mmlth.report.page.files import write_page
from mmlth.report.page.section import Code, Figure, Hidden, Numbers, Part, Photo, Photos, Section

__all__ = [
    'Code',
    'Figure',
    'Hidden',
    'Numbers',
    'Part',
    'Photo',
    'Photos',
    'Section',
    'write_page',
]
