"""``mmlth train --progress`` on a real terminal, which a signal ends."""

import os
import pty
import re
import signal
import subprocess
import sys

from kit import record
from plain import plain_config, plain_environment
from screens import screen


def test_a_signal_leaves_the_terminal_as_it_was(tmp_path):
    config = plain_config(tmp_path)
    ours, theirs = pty.openpty()
    command = [sys.executable, '-m', 'mmlth', 'train', config.name, '--progress']
    process = subprocess.Popen(  # noqa: S603
        command,
        cwd=tmp_path,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=plain_environment(TERM='xterm', PLAIN_SLEEP=0.1),
    )
    os.close(theirs)
    shown, sent = '', False
    while part := _read(ours):
        shown += part
        if not sent and 'epoch 1 of 3, iteration ' in shown:
            process.send_signal(signal.SIGTERM)
            sent = True
    assert process.wait() == os.EX_TEMPFAIL, shown
    assert '━' in shown
    left = ' '.join(screen(shown).split())
    assert re.fullmatch(
        'search: rounds 0 to 2; logs: .* warning: asked by a signal to stop: .* from there', left
    )
    assert '━' not in left
    assert 'mmengine' not in left
    assert record(tmp_path / 'work')['rounds'] == []


def _read(terminal):
    try:
        return os.read(terminal, 65536).decode()
    except OSError:  # the other side is closed
        return ''
