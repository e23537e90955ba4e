"""What tests read in the sections of reports."""

from rich.table import Table

from mmlth.report.page import Section


def texts(section: Section) -> list[str]:
    """The paragraphs of a report's section, without its tables and figures."""
    return [part for part in section.parts if isinstance(part, str)]


def column(table: Table, header: str) -> list[str]:
    """The cells below one header of a table.

    Args:
        table: As a report shows it.
        header: What stands above the column; no other column has it.
    """
    (result,) = [each for each in table.columns if str(each.header) == header]
    return [str(cell) for cell in result.cells]
