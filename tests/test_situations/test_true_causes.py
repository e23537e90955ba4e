"""One line that says what is really wrong, by a remedy that is there."""

import re
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest
import torch
from fresh import mmlth as run_mmlth
from mmengine.config import Config
from mmengine.runner import Runner
from points import points_config
from toy import BATCH, toy_config

from mmlth.engine import LotteryError, read_config
from mmlth.engine.configs.data_check import check_annotations, check_data
from mmlth.engine.evaluation.evaluation import Evaluation
from mmlth.engine.state import state as search_state
from mmlth.engine.state.paths import SearchPaths
from mmlth.messages import reason
from mmlth.pruning import Mask
from mmlth.ticket import Ticket, save_ticket
from mmlth_cli.main import main

TOO_FEW = {
    'train_dataloader.drop_last': True,
    'train_dataloader.dataset.images': BATCH - 1,
}
NO_LOOP = dict.fromkeys(('train_dataloader', 'train_cfg', 'optim_wrapper', 'param_scheduler'))


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (
            TOO_FEW,
            'train_dataloader gives no batch: it has 3 samples, fewer than batch_size=4, and '
            'drop_last=True leaves out a batch that is not full; give a batch_size of at most 3, '
            'or drop_last=False',
        ),
        ({'train_dataloader.dataset.images': 0}, 'the training data are empty: '),
        ({'train_cfg.max_epochs': 0}, 'train_cfg.max_epochs=0 trains nothing; give 1 or more'),
        (
            {'train_cfg.max_epochs': 1},
            "lottery.rewind='1ep' is past the end of training, which takes 6 iterations (1 epoch); "
            "give an earlier step, at the latest '5it'",
        ),
        (
            {'train_cfg.max_epochs': 1, 'optim_wrapper.accumulative_counts': 4},
            "lottery.rewind='1ep' is past the end of training, which takes 6 iterations (1 epoch); "
            "give an earlier step, at the latest '4it'",
        ),
    ],
)
def test_trainings_of_no_iteration(tmp_path, changes, message):
    with pytest.raises(LotteryError, match='^' + re.escape(message)):
        Runner.from_cfg(toy_config(tmp_path, **changes)).train()
    assert not (tmp_path / 'search.json').exists()


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'train_cfg.max_iters': 0}, 'train_cfg.max_iters=0 trains nothing; give 1 or more'),
        (
            {'train_cfg.max_iters': 1},
            "'1it' is past the end of training, which takes 1 iteration; ",
        ),
        (
            {'train_dataloader.sampler.type': 'DefaultSampler', **TOO_FEW},
            'gives no batch: it has 3',
        ),
    ],
)
def test_trainings_of_no_iteration_without_epochs(tmp_path, changes, message):
    config = toy_config(tmp_path, iterations=True, **{'lottery.rewind': '1it', **changes})
    with pytest.raises(LotteryError, match=re.escape(message)):
        Runner.from_cfg(config).train()


def test_endless_samplers_fill_any_batch(tmp_path):
    config = toy_config(tmp_path, iterations=True, **TOO_FEW, **{'lottery.rewind': '1it'})
    Runner.from_cfg(config).train()
    assert (tmp_path / 'tickets/round_02.safetensors').exists()


def test_a_ticket_is_not_trained_on_nothing(tmp_path):
    config = toy_config(tmp_path / 'work', **TOO_FEW)
    runner = Runner.from_cfg(config)
    state = {name: tensor.clone() for name, tensor in runner.model.state_dict().items()}
    save_ticket(
        Ticket(Mask.dense({'fc.weight': state['fc.weight']}), state), tmp_path / 't.safetensors'
    )
    config = toy_config(tmp_path / 'work', **TOO_FEW)
    config.lottery = {'ticket': str(tmp_path / 't.safetensors')}
    with pytest.raises(LotteryError, match='gives no batch'):
        Runner.from_cfg(config).train()


FILES = {
    'beside_it': {'beside_it.py': ''},
    'a_folder': {'a_folder/__init__.py': ''},
    'needs_another': {'needs_another.py': 'import no_such_module_anywhere'},
    'lacks_a_name': {'lacks_a_name.py': 'from points import no_such_name'},
    'lacks_a_part': {'lacks_a_part.py': 'import mmengine.no_such_part'},
    'has_an_error': {'has_an_error.py': '\nundefined_name'},
    'says_nothing': {'says_nothing.py': '\n\nraise RuntimeError'},
    'is_no_python': {'is_no_python.py': 'def ('},
    'not_there_at_all': {},
}


@pytest.mark.parametrize(
    ('module', 'on_path', 'message'),
    [
        ('beside_it', False, 'needs the module beside_it, which Python does not find; there is one '
         'in {folder}: if that is meant, put this folder on the path, as by PYTHONPATH={folder}'),
        ('a_folder', False, 'needs the module a_folder, which Python does not find; there is one '
         'in {folder}: '),
        ('not_there_at_all', False, 'needs the package not_there_at_all, which is not installed; '
         'install it, or if it is a module of your own, put its folder on the path (PYTHONPATH): '
         'it is neither beside the config nor in '),
        ('needs_another', True, 'needs the package no_such_module_anywhere, which is not '
         'installed'),
        ('lacks_a_name', True, "needs the module points, which cannot be imported: ImportError: "
         "cannot import name 'no_such_name' from 'points'"),
        ('lacks_a_part', True, 'needs the module mmengine.no_such_part, which the package mmengine '
         'in '),
        ('mmengine.no_such_part', False, 'needs the module mmengine.no_such_part, which the '
         'package mmengine in '),
        ('has_an_error', True, "cannot be read: NameError: name 'undefined_name' is not defined "
         '(has_an_error.py, line 2)'),
        ('says_nothing', True, 'cannot be read: RuntimeError without a text (says_nothing.py, line '
         '3)'),
        ('is_no_python', True, 'cannot be read: SyntaxError: '),
    ],
)  # fmt: skip
def test_custom_imports_that_fail(tmp_path, monkeypatch, capsys, module, on_path, message):
    folder = tmp_path / 'configs'
    for name, text in FILES.get(module, {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    folder.mkdir(exist_ok=True)
    imports = f"custom_imports = dict(imports=['{module}'], allow_failed_imports=False)\n"
    (folder / 'config.py').write_text(f"{imports}model = dict(type='PointsNet')\n")
    monkeypatch.chdir(tmp_path)
    if on_path:
        monkeypatch.syspath_prepend(str(folder))
    else:
        monkeypatch.setattr(sys, 'path', [p for p in sys.path if p not in ('', str(tmp_path))])
    assert main(['train', 'configs/config.py', '--work-dir', 'work']) == 1
    (line,) = capsys.readouterr().err.splitlines()
    start = 'mmlth: the config configs/config.py '
    assert line.startswith(start + message.format(folder=folder)), line
    assert not Path('work').exists()


def test_a_config_of_the_newer_style_that_calls_what_it_imports(tmp_path, capsys):
    (tmp_path / 'base_lazy.py').write_text("model = dict(type='PointsNet')\n")
    (tmp_path / 'lazy.py').write_text(
        textwrap.dedent("""
        import os
        from mmengine.config import read_base
        with read_base():
            from .base_lazy import *
        work = os.environ.get('WORK', 'work')
        """)
    )
    if main(['targets', str(tmp_path / 'lazy.py')]) == 0:
        return  # the maintained fork of MMEngine reads it
    err = capsys.readouterr().err
    assert 'lazy.py, line 6, calls a name that it imports (work = os.environ.get(' in err


def raised(error):
    try:
        raise error
    except type(error) as caught:
        return reason(caught)


HERE = r' \((test_situations/)?test_true_causes\.py, line \d+\)$'


@pytest.mark.parametrize(
    ('error', 'message'),
    [
        (RuntimeError(), 'RuntimeError without a text'),
        (AssertionError('\n \n'), 'AssertionError without a text'),
        (KeyError('name'), "KeyError: 'name'"),
        (KeyError('two words\nand more'), 'KeyError: two words'),
        (ValueError('\n  first line\nsecond'), 'ValueError: first line'),
        (
            RuntimeError('Error(s) in it:\n\tMissing a'),
            r'RuntimeError: Error\(s\) in it: Missing a',
        ),
    ],
)
def test_reasons(error, message):
    assert re.fullmatch(message + HERE[:-1], raised(error))


def test_reasons_of_packages_and_of_mmlth():
    with pytest.raises(RuntimeError) as caught:
        torch.nn.Linear(2, 2).load_state_dict({})
    result = reason(caught.value)
    assert result.startswith(
        'RuntimeError: Error(s) in loading state_dict for Linear: Missing key(s)'
    )
    assert ', line' not in result
    assert raised(LotteryError('all is said')) == 'all is said'
    assert reason(ValueError('never raised')) == 'ValueError: never raised'


def no_checkpoints(folder):
    (folder / 'readme.md').write_text('# no checkpoint\n')
    (folder / 'page.pth').write_text('<html>404</html>')
    (folder / 'empty.pth').write_bytes(b'')
    torch.save({'w': torch.ones(2, 2)}, folder / 'old.pth', _use_new_zipfile_serialization=False)
    (folder / 'old.pth').write_bytes((folder / 'old.pth').read_bytes()[:60])
    with zipfile.ZipFile(folder / 'archive.pth', 'w') as archive:
        archive.writestr('a', 'b')
    torch.jit.script(torch.nn.ReLU()).save(folder / 'script.pth')
    torch.save({'w': torch.ones(2, 2), 'path': Path('a')}, folder / 'path.pth')


@pytest.mark.parametrize(
    ('file', 'message'),
    [
        ('readme.md', 'is no checkpoint: neither torch.save nor safetensors wrote it'),
        ('page.pth', 'is no checkpoint: neither torch.save nor safetensors wrote it'),
        ('empty.pth', 'is empty; expected a checkpoint that torch.save wrote'),
        ('old.pth', 'is damaged: EOFError'),
        ('archive.pth', 'is damaged: '),
        ('script.pth', 'is a TorchScript program, not a checkpoint'),
        ('path.pth', 'cannot be read without running code from it: it holds pathlib'),
    ],
)
@pytest.mark.filterwarnings('ignore')
def test_no_command_advises_to_read_a_file_unsafely(tmp_path, capsys, file, message):
    no_checkpoints(tmp_path)
    config = str(points_config(tmp_path))
    path, out = str(tmp_path / file), str(tmp_path / 'out.safetensors')
    for command in (
        ['convert', path, out],
        ['transfer', path, config, '--out', out],
        ['connect', config, path, path, '--work-dir', str(tmp_path / 'c')],
        ['analyze', config, path, '--work-dir', str(tmp_path / 'a')],
    ):
        assert main(command) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f'mmlth: {path} {message}'), line
        assert not re.search('weights_only|safe_globals', line)
        assert not Path(out).exists()


def test_missing_data_are_told_with_what_can_be_done(tmp_path):
    data = {'data_root': 'nowhere/', 'ann_file': 'a.json'}
    config = toy_config(tmp_path, **{'train_dataloader.dataset': data})
    there = 'put the data, or a link to them, there'
    with pytest.raises(LotteryError) as caught:
        check_annotations(config, 'train_dataloader')  # as `mmlth report`, which takes no config
    assert str(caught.value).endswith(there)
    with pytest.raises(LotteryError) as caught:
        check_data(config)
    key = 'train_dataloader.dataset.ann_file'
    assert str(caught.value).endswith(f'{there}, or set {key} in the config')


def test_configs_in_memory_are_not_printed_whole(tmp_path):
    with pytest.raises(LotteryError, match=r'^the config is no config of a model'):
        read_config(Config({'a': 1}))
    config = toy_config(tmp_path, val_evaluator=None)
    with pytest.raises(LotteryError, match=r'^the config says nothing of validation; give'):
        Evaluation(config, tmp_path)


def test_resuming_is_advised_only_where_it_works(tmp_path, monkeypatch):
    Runner.from_cfg(toy_config(tmp_path)).train()
    with pytest.raises(LotteryError, match='add --resume'):
        Runner.from_cfg(toy_config(tmp_path)).train()
    state = search_state.load_state(SearchPaths(tmp_path))
    state.world_size = 2
    state.save(SearchPaths(tmp_path))
    with pytest.raises(LotteryError, match='done; give another work_dir') as caught:
        Runner.from_cfg(toy_config(tmp_path)).train()
    assert '--resume' not in str(caught.value)


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        (['--cfg-options', 'nothing'], "expected KEY=VALUE, with brackets in pairs, got 'nothing'"),
        (['--cfg-options', 'a=[1,(2'], "expected KEY=VALUE, with brackets in pairs, got 'a=[1,(2'"),
        (['--sparsities', 'a,b'], "expected numbers such as 0.5,0.8, got 'a,b'"),
        (['--cfg-options', 'lottery=3'], 'lottery must be a dict, got 3'),
    ],
)
def test_options_that_are_none(tmp_path, capsys, given, message):
    try:
        code = main(['targets', str(points_config(tmp_path)), *given])
    except SystemExit as end:
        code = end.code
    assert code in (1, 2)
    assert capsys.readouterr().err.splitlines()[-1].endswith(message)


def test_a_module_beside_the_config_in_a_process_of_its_own(tmp_path):
    (tmp_path / 'my_hooks.py').write_text('import points\n')
    more = "custom_imports = dict(imports=['my_hooks', 'mmlth'], allow_failed_imports=False)\n"
    config = points_config(tmp_path, more)
    elsewhere = tmp_path / 'elsewhere'
    elsewhere.mkdir()
    done = run_mmlth('train', config, cwd=elsewhere)
    assert done.returncode == 1
    assert f'PYTHONPATH={tmp_path}' in done.stderr.splitlines()[-1]
    assert list(elsewhere.iterdir()) == []
