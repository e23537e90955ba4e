"""Packaging a copy of the source tree, so that the one under test stays as it is."""

import shutil
import subprocess
import sys

from repository import ROOT

LEFT_OUT = shutil.ignore_patterns(
    '__pycache__', '.git', '.mim', '.venv*', '.*_cache', '.hypothesis', '*.egg-info'
)
"""What tools leave behind."""


def copy_source(target):
    """Copies the source tree but for data and what was built, measured or trained."""
    target.mkdir()
    for path in ROOT.iterdir():
        if path.name in {'build', 'data', 'dist', 'work_dirs', *LEFT_OUT(ROOT, [path.name])}:
            continue
        if path.is_dir():
            shutil.copytree(path, target / path.name, ignore=LEFT_OUT)
        else:
            shutil.copy(path, target)


def run(*arguments, cwd):
    done = subprocess.run(  # noqa: S603
        [sys.executable, *map(str, arguments)], cwd=cwd, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def pip(command, *arguments, cwd):
    # With --target, pip neither looks at nor touches what is installed in this environment.
    alone = ['--isolated', '--no-index', '--no-deps', '--no-build-isolation']
    run('-m', 'pip', command, '--disable-pip-version-check', *alone, *arguments, cwd=cwd)
