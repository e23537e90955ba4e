"""Seeds of tests that draw at random.

They are the same in each run, so that a failure is of the change that it follows. ``make test
MARKS=slow`` draws another one, prints it, and runs these tests with it; ``SEED=N`` gives one. What
finds a defect joins the list of its test, and runs for ever.
"""

import os

import pytest

DRAWN = int(os.environ['SEED']) if 'SEED' in os.environ else None


def seeds(*kept: int) -> list[object]:
    """The seeds of a test: those that always run, and the one that was drawn.

    Args:
        *kept: Which always run, among them all that have found a defect.
    """
    drawn = [] if DRAWN is None else [pytest.param(DRAWN, marks=pytest.mark.slow, id='drawn')]
    return [*kept, *drawn]
