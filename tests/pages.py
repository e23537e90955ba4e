"""Whether searches in the tests' own process write whole reports."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def numbers_only() -> Iterator[None]:
    """Searches write their numbers; drawing a page takes longer than a round of a toy."""
    import mmlth.report

    def write(work_dirs, *_, **__):
        rounds = mmlth.report.read_rounds(work_dirs[0])
        mmlth.report.write_results_csv(rounds, Path(work_dirs[0]) / 'report/results.csv')
        return Path(work_dirs[0]) / 'report/report.html'

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mmlth.report, 'write_report', write)
        yield


@contextlib.contextmanager
def whole_reports() -> Iterator[None]:
    """Searches write all that they do outside of tests."""
    import mmlth.report
    from mmlth.report.write import write_report

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mmlth.report, 'write_report', write_report)
        yield
