"""The notebook runs as it stands, and is kept without what it prints."""

import os
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from repository import ROOT

NOTEBOOK = ROOT / 'demo/mmlth_tutorial.ipynb'


@pytest.fixture(scope='module')
def executed(tmp_path_factory):
    folder = tmp_path_factory.mktemp('tutorial')
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    environment = {
        # of the commands
        'PATH': f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}',
        'PYTHONPATH': os.pathsep.join([str(ROOT), *filter(None, [os.environ.get('PYTHONPATH')])]),
        'JUPYTER_RUNTIME_DIR': str(folder / 'runtime'),
    }
    with pytest.MonkeyPatch.context() as patched:
        for name, value in environment.items():
            patched.setenv(name, value)
        resources = {'metadata': {'path': str(folder)}}
        NotebookClient(notebook, timeout=800, resources=resources).execute()
    return {cell['id']: cell for cell in notebook.cells if cell.cell_type == 'code'}


def printed(cell) -> str:
    """What a cell shows as text; warnings of other packages go to stderr."""
    parts = [output for output in cell.outputs if output.get('name') != 'stderr']
    return ''.join(output.get('text') or output.data['text/plain'] for output in parts)


def test_it_is_kept_without_output():
    cells = [cell for cell in nbformat.read(NOTEBOOK, as_version=4).cells if 'outputs' in cell]
    assert len(cells) == 9
    assert not [cell for cell in cells if cell.outputs or cell.execution_count]


def test_it_says_what_it_promises(executed):
    assert printed(executed['targets']) == '99.4% of 998,770 parameters\n'
    table = executed['table'].outputs[0].data['text/markdown'].splitlines()
    assert [line.split('|')[1].strip() for line in table] == ['round', '---', '0', '1', '2']
    assert 'image/png' in executed['plot'].outputs[0].data
    assert re.search(r'MaskRCNN, (79|80)\.\d% zeros; \d+ objects in', printed(executed['model']))
    assert '80.00% of the 993,072 prunable weights' in printed(executed['inspect'])
    assert re.search(r'the network: \d.* ms as given, ', printed(executed['accelerate']))
    assert 'features.onnx' in printed(executed['export'])


def test_the_search_leaves_the_log_to_its_file(executed):
    lines = printed(executed['search']).splitlines()
    assert len(lines) < 60
    assert not [line for line in lines if ' - mmengine - ' in line]
