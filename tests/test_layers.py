"""Nothing imports upwards or in circles, packages hand out what others use, the core is pure."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from imports import LAYERS, imported, levels, modules, rooms

ROOT = Path(__file__).parents[1] / 'mmlth'
CORE = {'torch', 'numpy', 'safetensors', 'zstandard', 'mmlth'}
ENGINE = [  # from the top to the bottom; rooms of one line do not import each other
    {'api', 'lottery_runner'},
    {'entry'},
    {'search'},
    {'rounds'},
    {'hooks', 'soup', 'transfer'},
    {'distillation', 'evaluation', 'exporting', 'state'},
    {'machine', 'masking', 'tickets', 'training'},
    {'models'},
    {'checkpoints', 'configs', 'settings'},
    {'default_scope', 'display', 'errors', 'first_process', 'random_numbers', 'registry'},
]
OPEN = {'mmlth', 'mmlth.engine', 'mmlth.report'}
"""Folders of packages: their own files, as ``mmlth.engine.errors``, are named by others."""


def names(path: Path) -> set[str]:
    """All that a file imports, as it is written there."""
    written: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            written.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            written.add(node.module or '.')
    return written


def package_of(module: str) -> str:
    return (
        module if (ROOT.parent / Path(*module.split('.'))).is_dir() else module.rpartition('.')[0]
    )


def within(package: str, other: str) -> bool:
    return package == other or package.startswith(f'{other}.')


@pytest.mark.parametrize('layer', LAYERS)
def test_nothing_imports_upwards(layer):
    above = LAYERS[: LAYERS.index(layer)]
    for path in (ROOT / layer).rglob('*.py'):
        for name in names(path):
            assert not any(within(name, f'mmlth.{upper}') for upper in above), (path, name)
            assert name != 'mmlth', f'{path} imports the package, which imports every layer'


def test_no_room_of_the_engine_imports_upwards():
    """Nor does it import one beside it."""
    height = {room: index for index, row in enumerate(reversed(ENGINE)) for room in row}
    graph = {room: others for room, others in rooms(ROOT).items() if room.startswith('engine.')}
    assert {room.split('.')[1] for room in graph} == height.keys()
    for room, others in graph.items():
        for other in others:
            layer, name = other.split('.')
            assert layer != 'engine' or height[name] < height[room.split('.')[1]], (room, other)


def test_rooms_do_not_import_in_circles():
    levels(rooms(ROOT))  # says which


def test_files_do_not_import_in_circles():
    known = modules(ROOT)
    levels(
        {
            module: imported(path, known) - {module}
            for module, path in known.items()
            if path.name != '__init__.py'
        }
        | {module: set() for module, path in known.items() if path.name == '__init__.py'}
    )


def test_packages_hand_out_what_others_use():
    """Nobody reaches past one into a file of it."""
    known = modules(ROOT)
    for module, path in known.items():
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.ImportFrom) and node.module in known):
                continue
            home = package_of(node.module)
            if home != node.module and home not in OPEN:
                assert within(package_of(module), home), f'{path} reaches into {node.module}'
            for alias in node.names:
                inner = f'{node.module}.{alias.name}'
                is_file = inner in known and package_of(inner) != inner
                assert not alias.name.startswith('_') or within(package_of(module), home), path
                if is_file and node.module not in OPEN:
                    handed_out = alias.name in public(known[node.module])
                    assert handed_out or within(package_of(module), node.module), (path, inner)


def public(init: Path) -> list[str]:
    """``__all__`` of a package."""
    for node in ast.parse(init.read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], 'id', '') == '__all__':
            return list(ast.literal_eval(node.value))
    return []


def test_each_package_says_in_a_sentence_what_is_in_it():
    for init in ROOT.rglob('__init__.py'):
        text = ast.get_docstring(ast.parse(init.read_text()))
        assert text, init
        assert text.split('\n')[0].endswith(('.', '?')), init


@pytest.mark.parametrize('layer', ['pruning', 'runtime', 'ticket'])
def test_the_core_imports_only_torch_numpy_and_safetensors(layer):
    for path in (ROOT / layer).rglob('*.py'):
        roots = {name.split('.')[0] for name in names(path)}
        assert roots <= CORE | set(sys.stdlib_module_names), path


def test_only_the_engine_knows_mmengine():
    for path in ROOT.rglob('*.py'):
        roots = {name.split('.')[0] for name in names(path)}
        if 'engine' not in path.relative_to(ROOT).parts:
            assert not {'mmengine', 'mmcv', 'mmdet', 'mmpose', 'mmseg'} & roots, path


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
        ('mmlth.runtime', True),
        ('mmlth.engine', False),
        ('mmlth.analysis', True),
        ('mmlth.analysis.detection', True),
        ('mmlth.analysis.detection.tide', True),
    ],
)
def test_the_core_works_without_mmengine(module, works):
    refused = {
        *('mmengine', 'mmcv', 'mmdet', 'mmpose', 'mmseg'),
        *('matplotlib', 'rich', 'pycocotools', 'tidecv'),
    }
    code = WITHOUT.format(refused=refused, module=module)
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)  # noqa: S603
    assert (done.returncode == 0) == works, done.stderr
    if works:
        assert done.stdout.strip() == '[]'
