"""One page for all results: what it is made of, and how it is written."""

from mmlth.report.page.files import write_page
from mmlth.report.page.places import shown, without_places
from mmlth.report.page.section import Code, CsvFile, Details, Figure, Image, Images, Part, Section

__all__ = [
    'Code',
    'CsvFile',
    'Details',
    'Figure',
    'Image',
    'Images',
    'Part',
    'Section',
    'shown',
    'without_places',
    'write_page',
]
