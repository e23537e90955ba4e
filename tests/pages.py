"""Whether searches in the tests' own process write whole reports."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

_whole: list[bool] = []
"""Not empty while searches write all that they do outside of tests."""


@contextlib.contextmanager
def numbers_only() -> Iterator[None]:
    """Searches write their numbers; drawing a page takes longer than a round of a toy."""
    from mmlth.report import answer, searches, writing

    original = writing.write_report

    def write_numbers(work_dirs, *more, **options):
        if _whole:
            return original(work_dirs, *more, **options)
        rounds = searches.read_rounds(work_dirs[0])
        answer.write_results_csv(rounds, Path(work_dirs[0]) / 'report/results.csv')
        return Path(work_dirs[0]) / 'report/report.html'

    with mock.patch.object(writing, 'write_report', write_numbers):
        yield


@contextlib.contextmanager
def whole_reports() -> Iterator[None]:
    """Searches write all that they do outside of tests."""
    _whole.append(True)
    try:
        yield
    finally:
        _whole.pop()
