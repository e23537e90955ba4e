"""What the tests of searches share."""

import pytest
from killing import search
from kit import ticket_bytes


@pytest.fixture(scope='module')
def undisturbed(tmp_path_factory):
    """The tickets of each kind of search, run once."""
    known = {}

    def get(change):
        if change not in known:
            work_dir = tmp_path_factory.mktemp('undisturbed')
            search(work_dir, change)
            known[change] = ticket_bytes(work_dir)
        return known[change]

    return get
