"""What a full disk says; tests/test_reliability has searches on disks that are really full."""

import logging
import os
from pathlib import Path

import pytest

from mmlth.engine.errors import LotteryError
from mmlth.engine.machine.full_disk import explaining_full_disks

FULL = Path('/dev/full')
needs_a_full_device = pytest.mark.skipif(not FULL.exists(), reason='only Linux has /dev/full')


@pytest.fixture
def logger():
    logger = logging.Logger('on a full disk')
    handler = logging.FileHandler(FULL)
    logger.addHandler(handler)
    yield logger
    handler.stream = open(os.devnull, 'w')  # noqa: SIM115  # so that it can be closed


@needs_a_full_device
def test_log_files_are_silent_about_a_full_disk_alone(logger, capsys):
    with explaining_full_disks(Path('work_dir')):
        logger.info('there is no room for this')
        assert capsys.readouterr().err == ''
        logger.info('%d', 'no number')
        assert 'TypeError' in capsys.readouterr().err
    logger.info('nor for this')
    assert 'No space left' in capsys.readouterr().err


@needs_a_full_device
def test_log_files_complain_again_after_an_error(logger, capsys):
    with (
        pytest.raises(LotteryError, match=r'is full .* continue with --resume'),
        explaining_full_disks(Path('work_dir')),
        FULL.open('w') as file,
    ):
        file.write('ticket')
    logger.info('there is no room for this')
    assert 'No space left' in capsys.readouterr().err
