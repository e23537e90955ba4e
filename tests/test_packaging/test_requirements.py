import importlib.util
import re
import subprocess
import sys
from types import ModuleType

import pytest

from mmlth.requirements import MINIMUM, check_requirements


def provide(monkeypatch, name, version):
    module = ModuleType(name)
    module.__spec__ = importlib.util.spec_from_loader(name, loader=None)
    if version is not None:
        module.__version__ = version
    monkeypatch.setitem(sys.modules, name, module)


@pytest.mark.parametrize('version', ['2.4', '2.4.0', '2.4.0a0', '2.11.0+cu130', '3.0', '10.0.1'])
def test_new_enough(monkeypatch, version):
    provide(monkeypatch, 'torch', version)
    check_requirements('torch')


@pytest.mark.parametrize('version', ['2.3.1', '2.3.1+cu121', '2+cu130', '1.13.0a0+git7', '2'])
def test_too_old(monkeypatch, version):
    provide(monkeypatch, 'torch', version)
    message = f'mmlth needs torch 2.4 or newer, got {version}: please update it'
    with pytest.raises(ImportError, match=f'^{re.escape(message)}$'):
        check_requirements('torch')


def test_without_version(monkeypatch):
    provide(monkeypatch, 'torch', None)  # as an empty folder of that name would be
    with pytest.raises(ImportError, match='got an unknown version'):
        check_requirements('torch')


@pytest.mark.parametrize('name', MINIMUM)
def test_missing(monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=f'^mmlth needs {name} .* not installed: [^\n]*$'):
        check_requirements()


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
