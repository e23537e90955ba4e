"""A file is whole or absent, whatever goes wrong while it is written."""

import os
from pathlib import Path

import pytest

from mmlth.ticket import write_bytes


def test_what_is_written_is_read_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / 'new' / 'folder' / 'file'
    write_bytes(path, b'old')
    write_bytes(path, b'new')
    assert path.read_bytes() == b'new'
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize('call', ['fsync', 'replace'])
def test_a_failed_write_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / 'file'
    path.write_bytes(b'old')

    def fail(*_: object) -> None:
        raise OSError('no space left')

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(OSError, match='no space'):
            write_bytes(path, b'new')
    assert path.read_bytes() == b'old'
    assert list(tmp_path.iterdir()) == [path]
