"""Packaging a copy of the source tree, so that the one under test stays as it is."""

import shutil
import subprocess
import sys

from repository import ROOT


def copy_source(target):
    unwanted = shutil.ignore_patterns('__pycache__', '.mim', '*.egg-info')
    for name in ('configs', 'mmlth', 'mmlth_cli', 'mmlth_common', 'tests', 'tools'):
        shutil.copytree(ROOT / name, target / name, ignore=unwanted)
    for name in ('LICENSE', 'MANIFEST.in', 'README.md', 'pyproject.toml', 'setup.cfg', 'setup.py'):
        shutil.copy(ROOT / name, target)


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
