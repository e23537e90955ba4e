"""Nothing imports upwards, and the core needs neither MMEngine nor plotting."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / 'mmlth'
LAYERS = ['pruning', 'ticket', 'engine', 'analysis', 'report', 'cli']  # from the bottom to the top
CORE = {'torch', 'numpy', 'safetensors', 'zstandard', 'mmlth'}


def imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or '.')
    return names


@pytest.mark.parametrize('layer', LAYERS)
def test_nothing_imports_upwards(layer):
    above = LAYERS[LAYERS.index(layer) + 1 :]
    for path in (ROOT / layer).rglob('*.py'):
        for name in imports(path):
            assert not any(name.startswith(f'mmlth.{upper}') for upper in above), (path, name)
            assert name != 'mmlth', f'{path} imports the package, which imports every layer'


@pytest.mark.parametrize('layer', ['pruning', 'ticket'])
def test_the_core_imports_only_torch_numpy_and_safetensors(layer):
    for path in (ROOT / layer).rglob('*.py'):
        roots = {name.split('.')[0] for name in imports(path)}
        assert roots <= CORE | set(sys.stdlib_module_names), path


def test_only_the_engine_knows_mmengine():
    for path in ROOT.rglob('*.py'):
        roots = {name.split('.')[0] for name in imports(path)}
        if 'engine' not in path.relative_to(ROOT).parts:
            assert not {'mmengine', 'mmcv', 'mmdet', 'mmpose'} & roots, path


# The import system itself refuses the packages, as if they were not installed.
WITHOUT = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in {refused!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Refuse())
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda n, p=None: None if n.split('.')[0] in {refused!r} else find(n, p)
import {module}
print(sorted(name for name in sys.modules if name in {refused!r}))
"""


@pytest.mark.parametrize(
    ('module', 'works'),
    [
        ('mmlth.pruning', True),
        ('mmlth.ticket', True),
        ('mmlth.engine', False),
        ('mmlth.analysis', True),
        ('mmlth.analysis.detection', True),
        ('mmlth.analysis.detection.tide', True),
    ],
)
def test_the_core_works_without_mmengine(module, works):
    refused = {'mmengine', 'mmcv', 'mmdet', 'mmpose', 'matplotlib', 'rich', 'pycocotools', 'tidecv'}
    code = WITHOUT.format(refused=refused, module=module)
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)  # noqa: S603
    assert (done.returncode == 0) == works, done.stderr
    if works:
        assert done.stdout.strip() == '[]'
