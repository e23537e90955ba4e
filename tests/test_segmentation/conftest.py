"""Generated shapes as labels of pixels."""

import pytest
from segments import make_segments


@pytest.fixture(scope='session')
def segments(tmp_path_factory):
    return make_segments(tmp_path_factory.mktemp('segments'))
