"""What mmlth says where a package that users bring themselves is missing or too old."""

import re
import subprocess
import sys

import pytest
import torch
from repository import ROOT

from mmlth.requirements import MINIMUM, check_requirements


@pytest.mark.parametrize('version', ['2.4', '2.4.0', '2.4.0a0', '2.11.0+cu130', '3.0', '10.0.1'])
def test_new_enough(monkeypatch, version):
    monkeypatch.setattr(torch, '__version__', version)
    check_requirements('torch')


@pytest.mark.parametrize('version', ['2.3.1', '2.3.1+cu121', '2+cu130', '1.13.0a0+git7', '2'])
def test_too_old(monkeypatch, version):
    monkeypatch.setattr(torch, '__version__', version)
    message = f'mmlth needs torch 2.4 or newer, got {version}: please update it'
    with pytest.raises(ImportError, match=f'^{re.escape(message)}$'):
        check_requirements('torch')


def test_without_version(monkeypatch):
    monkeypatch.delattr(torch, '__version__')  # as of an empty folder of that name
    with pytest.raises(ImportError, match='got an unknown version'):
        check_requirements('torch')


def test_missing():
    """Where Python has nothing but its own library."""
    code = f"""
import runpy
check = runpy.run_path({str(ROOT / 'mmlth/requirements.py')!r})['check_requirements']
for name in {list(MINIMUM)}:
    try:
        check(name)
    except ImportError as error:
        print(error)
"""
    command = [sys.executable, '-I', '-S', '-c', code]
    done = subprocess.run(command, capture_output=True, text=True)  # noqa: S603
    assert done.stderr == ''
    assert done.stdout.splitlines() == [
        f'mmlth needs {name} {oldest[0]}.{oldest[1]} or newer, which is not installed: please '
        'install it'
        for name, oldest in MINIMUM.items()
    ]


@pytest.mark.parametrize(('name', 'version'), [('torch', '2.3.1+cu121'), ('mmengine', '0.7.0')])
def test_importing_mmlth_beside_an_old_package(tmp_path, name, version):
    # The stand-in is empty but for its version: it must be found old before it is put to use.
    (tmp_path / name).mkdir()
    (tmp_path / name / '__init__.py').write_text(f'__version__ = {version!r}')
    code = f'import sys; sys.path.insert(0, {str(tmp_path)!r}); import mmlth'
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)  # noqa: S603
    assert done.returncode != 0
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f'ImportError: mmlth needs {name} ')
    assert last.endswith(f'got {version}: please update it')
