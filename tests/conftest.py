"""Which files are no tests, and what each test leaves as it was."""

import pytest

# What processes of their own register; doctests are looked for in all other modules, and these
# would register it in the tests' process, too.
collect_ignore = ['dice.py']


@pytest.fixture(autouse=True)
def registered_scores_stay():
    """Scores that a test registers are no choice in the tests after it."""
    from mmlth.engine.registry import SCORES

    SCORES.import_from_location()
    before = dict(SCORES.module_dict)
    yield
    SCORES.module_dict.clear()
    SCORES.module_dict.update(before)
