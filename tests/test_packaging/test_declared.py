"""What mmlth imports is declared: by setup.cfg, or as what users bring."""

import ast
import configparser
import itertools
import re
import sys
from pathlib import Path

from mmlth_common.packages import INSTALL

ROOT = Path(__file__).parents[2]
OURS = {'mmlth', 'mmlth_cli', 'mmlth_common'}
BROUGHT_BY_USERS = {
    *('torch', 'numpy', 'matplotlib', 'cv2'),
    *('mmengine', 'mmcv', 'mmdet', 'mmpose', 'mmseg'),
}

EXTRAS = ('analysis', 'export', 'mnn', 'bench', 'completion')
IMPORTED_AS = {'mnn': 'MNN'}


def imported():
    names = set()
    for package in OURS:
        for path in (ROOT / package).rglob('*.py'):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    names.update(alias.name.split('.')[0] for alias in node.names)
                elif isinstance(node, ast.ImportFrom):
                    names.add(node.module.split('.')[0])
    return names - OURS - sys.stdlib_module_names


def declared(section, key):
    config = configparser.ConfigParser()
    config.read(ROOT / 'setup.cfg')
    return {re.match(r'[\w-]+', line).group() for line in config[section][key].split('\n') if line}


def test_all_that_is_imported_is_declared():
    always = declared('options', 'install_requires')
    extras = {key: declared('options.extras_require', key) for key in EXTRAS}
    commands = {
        **{name: INSTALL[name] for name in BROUGHT_BY_USERS},
        **{name: f'pip install {name}' for name in always},
        **{
            IMPORTED_AS.get(name, name): f"pip install 'mmlth[{extra}]'"
            for extra, names in extras.items()
            for name in names
        },
    }
    assert imported() == set(INSTALL)
    assert commands | INSTALL == commands  # ml_dtypes is declared for the sake of its version alone


def test_each_requirement_has_its_reason():
    text = (ROOT / 'setup.cfg').read_text()
    lines = text.partition('install_requires =')[2].partition('dev =')[0].splitlines()
    for above, line in itertools.pairwise(lines):
        if re.match(r' +[\w-]+[><=]', line):
            assert above.strip().startswith('#'), line
