"""The kernel is compiled once for a kind of machine, whole or not at all."""

import os
import threading

import pytest

from mmlth.runtime import NoCompilerError, compiler
from mmlth.runtime.compiler import FLAGS, kernel, library_path, native_flags


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty cache."""
    monkeypatch.setenv('TORCH_EXTENSIONS_DIR', str(tmp_path))
    monkeypatch.setattr(compiler, 'kernel', kernel.__wrapped__)
    return tmp_path / 'mmlth'


def built():
    """The kernel of this machine, as another process would get it."""
    return kernel.__wrapped__()


def test_it_is_compiled_once(folder, monkeypatch):
    assert built().widest() >= 4
    (library,) = folder.iterdir()
    assert library == library_path((*FLAGS, *native_flags()))
    monkeypatch.setattr(compiler, 'compiled', lambda *_: pytest.fail('compiled again'))
    assert built().widest() >= 4


def test_other_flags_compilers_versions_and_sources_have_libraries_of_their_own(
    monkeypatch, tmp_path
):
    paths = {library_path(FLAGS), library_path((*FLAGS, '-mavx2')), library_path(('-O0',))}
    monkeypatch.setattr(compiler.torch, '__version__', '9.9')
    paths.add(library_path(FLAGS))
    source = tmp_path / 'kernel.cpp'
    source.write_text('// another')
    monkeypatch.setattr(compiler, 'SOURCE', source)
    paths.add(library_path(FLAGS))
    assert len(paths) == 5


def test_nothing_is_left_of_a_build_that_fails(folder, monkeypatch, tmp_path):
    source = tmp_path / 'kernel.cpp'
    source.write_text('int widest() { return }')
    monkeypatch.setattr(compiler, 'SOURCE', source)
    with pytest.raises(NoCompilerError, match=r'cannot be compiled: .*install a C') as error:
        built()
    assert '\n' not in str(error.value)
    assert list(folder.iterdir()) == []


def test_processes_that_compile_at_the_same_time_do_not_disturb_each_other(folder):
    results = []
    builds = [threading.Thread(target=lambda: results.append(built().widest())) for _ in range(2)]
    for build in builds:
        build.start()
    for build in builds:
        build.join()
    assert len(results) == 2
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize(
    ('cxx', 'message'),
    [
        ('no-such-compiler', "there is no C.. compiler 'no-such-compiler'; install one"),
        ('false', 'false .*: it failed'),
    ],
)
def test_without_a_compiler(monkeypatch, cxx, message):
    monkeypatch.setenv('CXX', cxx)
    with pytest.raises(NoCompilerError, match=message) as error:
        built()
    assert '\n' not in str(error.value)


def test_without_ninja(monkeypatch):
    monkeypatch.setenv('PATH', '/usr/bin:/bin')
    monkeypatch.setattr(compiler.sysconfig, 'get_path', lambda _: '/nowhere')
    if any(os.access(f'{folder}/ninja', os.X_OK) for folder in ('/usr/bin', '/bin')):
        pytest.skip('this machine has a ninja of its own')
    with pytest.raises(NoCompilerError, match=r"ninja \(pip install 'mmlth\[accelerate\]'\)"):
        built()


def test_a_folder_that_cannot_be_written_is_one_line(monkeypatch, tmp_path):
    file = tmp_path / 'file'
    file.touch()
    monkeypatch.setenv('TORCH_EXTENSIONS_DIR', str(file))
    with pytest.raises(NoCompilerError, match=r'name another folder in .*TORCH_EXTENSIONS_DIR'):
        built()


def test_a_library_that_was_cut_off_is_built_anew(folder):
    path = library_path((*FLAGS, *native_flags()))
    path.parent.mkdir()
    path.write_bytes(b'ELF')
    assert built().widest() >= 4
