"""What a shell offers when Tab is pressed."""

import os
import shlex
import shutil
import subprocess
import sys

import argcomplete
import pytest
from repository import ROOT

BASH = """
eval {code}
COMP_LINE={line} COMP_POINT={length} COMP_TYPE=9 COMPREPLY=()
_python_argcomplete mmlth
printf '%s\\n' "${{COMPREPLY[@]}}"
"""

ZSH = """
autoload -U compinit is-at-least && compinit -u -D
eval {code}
[[ ${{_comps[mmlth]}} = _python_argcomplete ]] || exit 3
_describe() {{ print -l -- ${{completions%%:*}} }}  # which only an interactive shell has
BUFFER={line} CURSOR={length} words=(mmlth)
_python_argcomplete mmlth
"""

SHELLS = [
    'bash',
    pytest.param('zsh', marks=pytest.mark.skipif(not shutil.which('zsh'), reason='there is none')),
]


@pytest.fixture
def offered(tmp_path):
    """The words that a shell offers for a command line, in a folder with two files."""
    (tmp_path / 'bin').mkdir()
    script = tmp_path / 'bin/mmlth'
    code = 'from mmlth_cli.main import main; main()'
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -c \'{code}\' "$@"\n')
    script.chmod(0o755)
    (tmp_path / 'folder').mkdir()
    for name in ('mine.py', 'mine.txt'):
        (tmp_path / 'folder' / name).touch()
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get('PYTHONPATH')])])
    environment = {'PATH': f'{tmp_path}/bin:{os.environ["PATH"]}', 'PYTHONPATH': path}

    def ask(shell, line):
        values = {
            'code': shlex.quote(argcomplete.shellcode(['mmlth'], shell=shell)),
            'line': shlex.quote(line),
            'length': len(line),
        }
        done = subprocess.run(  # noqa: S603
            [shutil.which(shell), '-c', {'bash': BASH, 'zsh': ZSH}[shell].format(**values)],
            cwd=tmp_path / 'folder',
            env=environment,
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stderr) == (0, '')
        return [word.strip() for word in done.stdout.splitlines() if word.strip()]

    return ask


COMPLETED = {
    'mmlth tar': ['targets'],
    'mmlth train mi': ['mine.py'],
    'mmlth branch work reini': ['reinit'],
    'mmlth branch --rewind-': ['--rewind-what'],
    'mmlth export --runtime o': ['onnx'],
    'mmlth configs c': ['copy'],
    'mmlth configs copy rtmpose': ['rtmpose_tiny_mouse_imp'],
    'mmlth configs copy imp mine.t': ['mine.txt'],
}


@pytest.mark.parametrize('shell', SHELLS)
@pytest.mark.parametrize('line', COMPLETED)
def test_a_word_is_completed(shell, line, offered):
    assert offered(shell, line) == COMPLETED[line]


def test_names_of_a_zoo_folder_by_folder(offered):
    """Bash takes a colon for the end of a word, so that it is given what follows."""
    assert offered('bash', 'mmlth targets mmdet::yol') == ['yolact/', 'yolo/', 'yolof/', 'yolox/']
    assert offered('bash', 'mmlth train mmlth::lth/yolo') == ['lth/yolov3/']
    assert 'lth/yolov3/yolov3_r50_voc_s2.py' in offered('bash', 'mmlth train mmlth::lth/yolov3/')
    assert 'yolox/yolox_tiny_8xb8-300e_coco.py' in offered('bash', 'mmlth train mmdet::yolox/')
    assert offered('bash', 'mmlth train nowhere::') == []
    assert offered('bash', 'mmlth train mmdet::nowhere/') == []
