"""What a command line loads before it does anything, and what it needs at all."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mmlth import Mask, Ticket, save_ticket
from mmlth.engine.settings import control_names
from mmlth.pruning import METHODS
from mmlth.ticket import DEPTHS, INPUTS
from mmlth_cli import branch, transfer
from mmlth_cli.main import COMMANDS, main
from mmlth_common.packages import INSTALL

ROOT = Path(__file__).parents[2]

LOADED = """
import sys
from mmlth_cli.main import main
try:
    main({arguments!r})
except SystemExit as ended:
    assert not ended.code
loaded = {{name.split('.')[0] for name in sys.modules}}
print(sorted(loaded & {{'mmlth', *{packages!r}}}), file=sys.stderr)
"""

WITHOUT = """
import importlib.util, sys
refused = {refused!r}
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in refused:
            raise ModuleNotFoundError(f'No module named {{name!r}}', name=name)
sys.meta_path.insert(0, Refuse())
find = importlib.util.find_spec
importlib.util.find_spec = lambda n, p=None: None if n.split('.')[0] in refused else find(n, p)
from mmlth_cli.main import main
sys.exit(main({arguments!r}))
"""
"""The import system itself refuses packages, as if they were not installed."""


def python(code, folder):
    environment = {'PYTHONPATH': str(ROOT), 'COLUMNS': '200', 'PATH': '/usr/bin:/bin'}
    return subprocess.run(  # noqa: S603
        [sys.executable, '-c', code], cwd=folder, env=environment, capture_output=True, text=True
    )


@pytest.mark.parametrize('arguments', [['--version'], *([name, '--help'] for name in COMMANDS)])
def test_help_loads_the_standard_library_alone(arguments, tmp_path):
    done = python(LOADED.format(arguments=arguments, packages=list(INSTALL)), tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith('mmlth ' if arguments[0] == '--version' else 'usage: mmlth ')
    assert done.stderr.strip() == '[]'


def test_choices_are_those_of_the_functions_that_take_them():
    assert list(branch.CONTROLS) == control_names()
    assert list(branch.METHODS) == sorted(METHODS)
    assert transfer.DEPTHS == DEPTHS
    assert tuple(INPUTS) == transfer.INPUTS


@pytest.fixture(scope='module')
def ticket(tmp_path_factory):
    path = tmp_path_factory.mktemp('tickets') / 'ticket.safetensors'
    mask = Mask({'conv.weight': torch.tensor([[True, False], [False, False]])})
    save_ticket(Ticket(mask, {'conv.weight': torch.tensor([[1.5, 0], [0, 0]])}), path)
    return path


OPENMMLAB = ['mmengine', 'mmcv', 'mmdet', 'mmpose']


def test_inspect_needs_no_mmengine(ticket, tmp_path, capsys):
    arguments = ['inspect', str(ticket), '--plot', 'densities.png']
    code = WITHOUT.format(refused=[*OPENMMLAB, 'pycocotools', 'tidecv'], arguments=arguments)
    done = python(code, tmp_path)
    assert (done.returncode, done.stderr) == (0, '')
    assert main(['inspect', str(ticket)]) == 0
    assert done.stdout == capsys.readouterr().out
    assert (tmp_path / 'densities.png').stat().st_size > 1000


MISSING = {
    'mmengine': (['train', 'config.py'], 'mmlth train needs the package mmengine'),
    'rich': (['inspect', 'TICKET'], 'mmlth inspect needs the package rich'),
    'matplotlib': (['train', 'config.py'], 'mmlth needs matplotlib 3.7 or newer'),
    'jinja2': (['report', 'work'], 'mmlth report needs the package jinja2'),
    'onnx': (['export', 'TICKET', 'a.onnx'], 'exporting needs the package onnx'),
}


@pytest.mark.parametrize('package', MISSING)
def test_a_missing_package_is_one_line(package, ticket, tmp_path):
    arguments, words = MISSING[package]
    arguments = [str(ticket) if argument == 'TICKET' else argument for argument in arguments]
    done = python(WITHOUT.format(refused=[package], arguments=arguments), tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f'mmlth: {words}')
    assert line.endswith(INSTALL[package]) or package == 'matplotlib'


def test_a_module_that_mmlth_does_not_know_of_is_no_missing_package(monkeypatch):
    """It is a user's own, or an error of ours, and the traceback tells where."""

    def run(options):
        raise ModuleNotFoundError("No module named 'mine'", name='mine')

    monkeypatch.setattr('mmlth.commands.targets.run', run)
    with pytest.raises(ModuleNotFoundError, match='mine'):
        main(['targets', 'config.py'])


BAD_SETTINGS = ['no_equals_sign', 'a=[1,2', 'a=1 b']


@pytest.mark.parametrize('typed', BAD_SETTINGS)
def test_settings_that_are_none_are_errors_of_usage(typed, capsys):
    with pytest.raises(SystemExit) as ended:
        main(['targets', 'config.py', '--cfg-options', *typed.split()])
    assert ended.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith('usage: mmlth targets')
    assert lines[-1] == (
        'mmlth targets: error: argument --cfg-options: expected KEY=VALUE, with brackets in pairs, '
        f'got {typed!r}'
    )


def test_settings_are_read_as_mmengine_reads_them(monkeypatch):
    seen = {}
    monkeypatch.setattr('mmlth.commands.targets.run', lambda options: seen.update(vars(options)))
    typed = ['a=1', 'b.c=[1.5,(x,None)]', '--rounds', '3', '--cfg-options', 'd=true', 'a=2,3']
    assert main(['targets', 'config.py', '--cfg-options', *typed]) == 0
    assert seen['cfg_options'] == {'a': [2, 3], 'b.c': [1.5, ('x', None)], 'd': True}
    assert seen['lottery'] == {'rounds': 3}
    assert main(['targets', 'config.py']) == 0
    assert (seen['cfg_options'], seen['lottery']) == (None, {})
