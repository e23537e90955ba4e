import importlib.metadata
import re
import shutil
import subprocess
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from packages import copy_source, pip, run
from repository import ROOT
from stack import mim_name

FORMS = ['editable', 'regular', 'wheel', 'sdist']
OWN = (
    'tools/architecture/',
    'tools/reference/',
    'tools/reliability/',
    'tools/setup/',
    'tools/zoo/',
)
"""For this repository alone."""
BROUGHT_BY_USERS = {
    *('torch', 'torchvision', 'numpy'),
    *('mmengine', 'mmcv', 'mmdet', 'mmpose', 'mmsegmentation'),
}


def files_below(folder):
    return {str(file.relative_to(folder)) for file in folder.rglob('*') if file.is_file()}


@pytest.fixture(scope='module')
def built(tmp_path_factory):
    """Installs a copy of the source tree, so that this one stays as it is, in all forms."""
    folder = tmp_path_factory.mktemp('packaging')
    source = folder / 'source'
    copy_source(source)
    for name in ('data/picture.py', 'work_dirs/demo/config.py'):
        (source / name).parent.mkdir(parents=True)
        (source / name).touch()
    before = files_below(source)

    targets = {form: folder / form for form in FORMS}
    # The editable form first: the links it leaves in the source tree must not disturb the others.
    pip('install', '--target', targets['editable'], '-e', source, cwd=folder)
    pip('install', '--target', targets['regular'], source, cwd=folder)
    pip('wheel', '--wheel-dir', folder / 'dist', source, cwd=folder)
    (wheel,) = folder.glob('dist/*.whl')
    pip('install', '--target', targets['wheel'], wheel, cwd=folder)
    run('-c', 'from setuptools import build_meta; build_meta.build_sdist("../dist")', cwd=source)
    (sdist,) = folder.glob('dist/*.tar.gz')
    pip('install', '--target', targets['sdist'], sdist, cwd=folder)
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / 'unpacked', filter='data')
    (unpacked,) = (folder / 'unpacked').iterdir()
    return SimpleNamespace(
        source=source, before=before, targets=targets, unpacked=unpacked, files=[wheel, sdist]
    )


def package_folder(target):
    # Without site (-S), so that an mmlth installed in this environment is not found.
    code = 'import site, sys; site.addsitedir(sys.argv[1]); import importlib.util as util; '
    code += "print(util.find_spec('mmlth').origin)"
    return Path(run('-I', '-S', '-c', code, target, cwd=target).strip()).parent


@pytest.mark.parametrize('form', FORMS)
def test_configs_and_tools_are_in_the_package(built, form):
    package = package_folder(built.targets[form])
    assert package.is_relative_to(built.source if form == 'editable' else built.targets[form])
    for name in ('configs/_base_/lth/imp.py', 'tools/dataset_converters/shapes.py'):
        assert (package / '.mim' / name).read_text() == (built.source / name).read_text()


@pytest.mark.skipif(
    mim_name() == 'mmdetection',
    reason='onedl-mim 0.5.1 looks for a package with a command in the folder above site-packages',
)
@pytest.mark.parametrize('form', ['regular', 'wheel', 'sdist'])  # mim finds nothing editable
def test_mim_lists_the_configs(built, form):
    """As in ``mim search mmlth``."""
    code = 'import sys; sys.path.insert(0, sys.argv[1]); '
    code += 'from mim.commands.search import get_model_info; print(*get_model_info("mmlth").index)'
    names = run('-c', code, built.targets[form], cwd=built.targets[form]).split()
    families = built.source / 'configs/lth'
    assert sorted(names) == sorted(file.stem for file in families.glob('*/*.py'))


@pytest.mark.parametrize('form', ['regular', 'wheel', 'sdist'])  # nor does MMEngine 0.10.7
def test_configs_of_the_newer_style_inherit_the_base_configs(built, form, tmp_path):
    (tmp_path / 'new.py').write_text(
        'from mmengine.config import read_base\n'
        'with read_base():\n    from mmlth.configs.s1_coco import *\n'
    )
    code = 'import sys; sys.path.insert(0, sys.argv[1]); from mmengine.config import Config; '
    code += 'print(Config.fromfile(sys.argv[2]).lottery.targets.scope)'
    assert run('-c', code, built.targets[form], tmp_path / 'new.py', cwd=tmp_path) == 's1_coco\n'


def test_editable_install_shows_edits(built):
    new = Path('configs', 'lth', 'new.py')
    (built.source / new).touch()
    shown = (package_folder(built.targets['editable']) / '.mim' / new).exists()
    (built.source / new).unlink()
    assert shown


@pytest.mark.parametrize('form', ['regular', 'wheel', 'sdist'])
def test_install_has_the_package_and_nothing_else(built, form):
    installed = files_below(built.targets[form])
    ours = {file for file in installed if not re.search('__pycache__|dist-info', file)}
    modules = {file for file in built.before if re.match('mmlth(_cli|_common)?/', file)}
    shipped = {
        file
        for file in built.before
        if re.match(r'(configs|tools)/.*\.(md|py|sh|yml)$', file) and not file.startswith(OWN)
    } | {'model-index.yml'}
    for kept in ('study/study.py', 'dataset_converters/crops.py', 'slurm_train.sh'):
        assert f'tools/{kept}' in shipped
    assert ours == modules | {'bin/mmlth'} | {f'mmlth/.mim/{file}' for file in shipped}


@pytest.mark.skipif(
    not (ROOT / '.git').exists() or not shutil.which('git'), reason='git knows what belongs to it'
)
def test_the_source_distribution_is_the_repository(built):
    listed = [shutil.which('git'), '-c', 'safe.directory=*', 'ls-files', '-z']
    tracked = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S603
    there = {file for file in tracked.split('\0') if (ROOT / file).is_file()}
    assert files_below(built.unpacked) == there | {'PKG-INFO'}


def test_the_source_distribution_passes_its_own_tests(built):
    """Some of those that read its other files; .github/workflows/release.yml runs many more."""
    tests = [f'tests/{name}' for name in ('test_docs/test_recipes.py', 'test_pruning/test_mask.py')]
    run('-m', 'pytest', '-n', '0', '-p', 'no:cacheprovider', *tests, cwd=built.unpacked)


def test_what_would_be_uploaded_is_accepted(built):
    run('-m', 'twine', 'check', '--strict', *built.files, cwd=built.source)


def test_builds_leave_the_source_tree_clean(built):
    left = {file for file in files_below(built.source) if not file.startswith('mmlth/.mim/')}
    assert left == built.before


def test_install_replaces_no_package_of_the_user(built):
    (distribution,) = importlib.metadata.distributions(path=[str(built.targets['wheel'])])
    required = required_names(distribution.requires)
    assert required == {'jinja2', 'rich', 'safetensors', 'zstandard'}
    # When pip installs or updates one of these, it may do the same to what that one requires.
    for name in required:
        assert not required_names(importlib.metadata.requires(name)) & BROUGHT_BY_USERS


def required_names(requirements):
    plain = [line for line in requirements or [] if 'extra ==' not in line]
    return {re.match(r'[\w.-]+', line).group() for line in plain}
