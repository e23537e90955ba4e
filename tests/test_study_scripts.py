"""The scripts of ``tools/study``: each command that they would run is one that is understood."""

import os
import subprocess

import pytest
from converters import load_script
from repository import ROOT

from mmlth_cli.main import build_parsers

TOOLS = ROOT / 'tools/study'
SCRIPTS = sorted(path.name for path in TOOLS.glob('*.sh'))
DRIVERS = ('study.py', 'transfers.py')
RECORDER = """#!/bin/sh
{ printf '%s\\n' "$@"; echo; } >> "$CALLS"
"""

pytestmark = pytest.mark.one_stack


def calls(script, folder):
    """What a script runs with ``python`` and ``mim``, none of which does a thing here."""
    for name in ('python', 'mim'):
        (folder / name).write_text(RECORDER)
        (folder / name).chmod(0o755)
    record = folder / 'calls'
    environment = {**os.environ, 'PATH': f'{folder}:{os.environ["PATH"]}', 'CALLS': str(record)}
    subprocess.run([str(TOOLS / script), '--jobs', '1'], check=True, env=environment)  # noqa: S603
    if not record.exists():  # the data that it makes are there
        return []
    return [call.split('\n') for call in record.read_text().strip('\n').split('\n\n')]


def understood(task, monkeypatch):
    """Whether the command of a task is parsed by what it calls; exits if it is not."""
    if task.command[:2] == ('-m', 'mmlth'):
        options = build_parsers()[0].parse_args(list(task.command[2:]))
        return options.command != 'train' or (ROOT / options.config).is_file()
    script = load_script(TOOLS / 'train_ticket.py')
    assert task.command[0] == script.__file__
    trained = []
    monkeypatch.setattr(script, 'train', lambda **options: trained.append(options))
    monkeypatch.setattr('sys.argv', list(task.command))
    script.main()
    return (ROOT / trained[0]['config']).is_file()


@pytest.mark.parametrize('script', SCRIPTS)
def test_every_command_of_a_study_is_understood(script, tmp_path, monkeypatch):
    tasks = []
    for arguments in calls(script, tmp_path):
        path = ROOT / arguments[0]
        if path.suffix != '.py':
            continue  # of mim
        assert path.is_file()
        if path.name not in DRIVERS:
            continue
        driver = load_script(path)
        monkeypatch.setattr(driver, 'run', lambda given, *_: tasks.extend(given) or True)
        monkeypatch.setattr('sys.argv', [*arguments, '--work-dir', str(tmp_path / 'work')])
        monkeypatch.chdir(ROOT)
        assert driver.main() == 0
    is_study = any(driver in (TOOLS / script).read_text() for driver in DRIVERS)
    assert bool(tasks) == is_study
    assert all(understood(task, monkeypatch) for task in tasks)
