"""Base configs for ``read_base()``, and searches by configs of MMEngine's newer style."""

import importlib.util
import re
from pathlib import Path

import mmengine.config.config
import pytest
import torch
from kit import record, ticket_bytes, ticket_of
from mmengine.config import Config
from mmengine.runner import Runner
from newer_style import DETECTOR, POSE, RUNTIME
from opting_in import PRUNING_BASE
from repository import ROOT

import mmlth
from mmlth.data import KEYPOINTS, make_shapes
from mmlth.engine import build_model
from mmlth.engine.default_scope import enter_default_scope
from mmlth.engine.tickets import config_of
from mmlth_cli.main import main

NAMES = sorted(path.stem for path in PRUNING_BASE.parent.glob('*.py'))
PACKAGES = ('mmdet', 'mmpose', 'mmseg', 'mmpretrain')


@pytest.fixture(autouse=True)
def as_installed(monkeypatch):
    """MMEngine finds no file of an editable one; tests/test_packaging has it find these."""
    found = mmengine.config.config.get_installed_path
    monkeypatch.setattr(
        mmengine.config.config,
        'get_installed_path',
        lambda package: str(ROOT / 'mmlth') if package == 'mmlth' else found(package),
    )


@pytest.mark.parametrize('name', NAMES)
def test_a_base_config_says_the_same_in_both_styles(name, tmp_path):
    (tmp_path / 'new.py').write_text(
        'from mmengine.config import read_base\n'
        f'with read_base():\n    from mmlth.configs.{name} import *\n'
    )
    new, old = Config.fromfile(tmp_path / 'new.py'), Config.fromfile(PRUNING_BASE.with_stem(name))
    assert new.to_dict() == old.to_dict()
    assert new.to_dict().keys() == {'lottery'}
    assert mmlth.base_lottery(name) == old.lottery.to_dict()


def test_there_are_no_others():
    there = {path.stem for path in (ROOT / 'mmlth/configs').glob('*.py')} - {'__init__'}
    assert there == set(NAMES)
    with pytest.raises(ValueError, match=r'no base config .impp.; it has: .*, imp,'):
        mmlth.base_lottery('impp')


def test_keys_of_a_called_base_are_changed_as_of_an_imported_one(tmp_path):
    (tmp_path / 'own.py').write_text(
        'from mmengine.config import read_base\n'
        "lottery = __import__('mmlth').base_lottery('imp')\n"
        "lottery.targets.update(exclude=['backbone.stem'])\n"
    )
    own = Config.fromfile(tmp_path / 'own.py').to_dict()
    assert own['lottery']['targets']['exclude'] == ['backbone.stem']


def test_both_styles_of_the_page_say_the_same(tmp_path):
    page = next(ROOT.glob('docs/**/lazy_configs.md')).read_text()
    new, old = re.findall(r'```python\n(.*?)```', page, re.DOTALL)
    (tmp_path / 'rtmdet_tiny.py').write_text('work_dir = "mine"')
    (tmp_path / 'new.py').write_text(new)
    (tmp_path / 'old.py').write_text(old)
    expected = Config.fromfile(tmp_path / 'old.py').to_dict()
    assert Config.fromfile(tmp_path / 'new.py').to_dict() == expected
    assert expected['lottery']['targets']['exclude'] == ['backbone.stem']
    names = re.findall(r"mmlth\.configs\.(\w+)|base_(?:config|lottery)\('(\w+)'\)", page)
    assert {a or b for a, b in names} <= set(NAMES)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Configs of a user's own, and the shapes that they train on."""
    folder = tmp_path_factory.mktemp('newer_style')
    make_shapes(folder / 'shapes', train=8, val=4)
    swaps = {'left': 'right', 'right': 'left'}
    metainfo = dict(
        dataset_name='shapes',
        keypoint_info={
            i: dict(name=name, id=i, color=[0, 0, 0], type='', swap=swaps.get(name, ''))
            for i, name in enumerate(KEYPOINTS)
        },
        skeleton_info={},
        joint_weights=[1.0] * len(KEYPOINTS),
        sigmas=[0.05] * len(KEYPOINTS),
    )
    known = {'root': str(folder / 'shapes'), 'count': len(KEYPOINTS), 'metainfo': metainfo}
    texts = {'runtime': RUNTIME, 'detector': DETECTOR, 'pose': POSE}
    for name, text in texts.items():
        for key, value in known.items():
            text = text.replace(f'{{{key}}}', str(value)).replace(f'{{{key}!r}}', repr(value))
        (folder / f'{name}.py').write_text(text)
    return folder


@pytest.fixture(scope='module')
def searched(folder, tmp_path_factory):
    """The folder of a finished search by each config, made once."""
    work_dirs = {}

    def search(kind):
        if kind not in work_dirs:
            work_dir = tmp_path_factory.mktemp(kind) / 'work'
            config = Config.fromfile(folder / f'{kind}.py')
            config.work_dir = str(work_dir)
            enter_default_scope(config)  # tests before this one have run Runners
            Runner.from_cfg(config).train()
            work_dirs[kind] = work_dir
        return work_dirs[kind]

    return search


@pytest.mark.parametrize('kind', ['detector', 'pose'])
def test_it_searches_by_its_base_and_its_own_settings(kind, folder, searched):
    state = record(searched(kind))
    assert [entry['sparsity'] for entry in state['rounds']] == pytest.approx([0, 0.2929, 0.5], 1e-3)
    assert all('coco/' in ' '.join(entry['metrics']) for entry in state['rounds'])
    lottery = state['config']['lottery']
    assert lottery['rewind_what'] == dict(detector='weights', pose='learning_rate')[kind]
    assert lottery['rewind'] == '1ep'
    names = [target['name'] for target in state['targets']]
    assert ('backbone.conv1.weight' in names) == (kind == 'pose')
    assert not [name for name in names if 'retina_cls' in name or 'final_layer' in name]


@pytest.mark.parametrize('kind', ['detector', 'pose'])
def test_what_was_dumped_is_read_as_it_was_and_imports_mmlth(kind, searched):
    dumped = list(searched(kind).glob('*.py'))
    assert dumped
    for path in dumped:
        again = Config.fromfile(path)
        assert again.lottery.target_sparsity == 0.5
        assert 'mmlth' in again.custom_imports.imports
        assert again.model.type.startswith(('mmdet.', 'mmpose.'))


@pytest.mark.parametrize('kind', ['detector', 'pose'])
def test_one_that_was_interrupted_goes_on_to_the_same_tickets(kind, folder, searched, tmp_path):
    run = ['train', str(folder / f'{kind}.py'), '--work-dir', str(tmp_path)]
    assert main([*run, '--cfg-options', 'lottery.rounds_per_run=2']) == 0
    assert len(record(tmp_path)['rounds']) == 2
    (dumped,) = tmp_path.glob('*.py')
    assert main(['train', str(dumped), *run[2:], '--resume']) == 0  # or by the config itself
    before = ticket_bytes(searched(kind))
    assert ticket_bytes(tmp_path) == before
    assert len(before) == 3


@pytest.mark.parametrize('kind', ['detector', 'pose'])
def test_a_ticket_tells_the_model(kind, searched):
    ticket = ticket_of(searched(kind), 2)
    model = build_model(config_of(ticket.info))
    model.load_state_dict(ticket.state_dict())
    weight = dict(model.named_parameters())['backbone.layer1.0.conv1.weight']
    assert torch.equal(weight != 0, ticket.mask['backbone.layer1.0.conv1.weight'])


@pytest.mark.parametrize('kind', ['detector', 'pose'])
def test_the_table_of_targets(kind, folder, searched, capsys):
    state = record(searched(kind))
    assert main(['targets', str(folder / f'{kind}.py')]) == 0
    prunable = sum(target['weights'] for target in state['targets'])
    share = f'{prunable / state["parameters"]:.1%} of the {state["parameters"]:,} parameters'
    assert f'Prunable weights: {share}' in capsys.readouterr().out


def test_the_runner_may_be_named_by_its_class(folder, searched, tmp_path):
    text = (folder / 'detector.py').read_text()
    path = folder / 'by_class.py'
    path.write_text(
        f'{text}\nfrom mmlth.engine import LotteryRunner\nrunner_type = LotteryRunner\n'
    )
    rounds = mmlth.search(path, work_dir=tmp_path)
    assert ticket_bytes(tmp_path) == ticket_bytes(searched('detector'))
    assert mmlth.search(folder / 'detector.py', work_dir=tmp_path, resume=True) == rounds


def shipped() -> list[Path]:
    """The configs of the newer style that installed packages have, in whatever folder."""
    found = []
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        for place in spec.submodule_search_locations if spec else []:
            for folder in (Path(place, 'configs'), Path(place, '.mim/configs')):
                found += [path for path in folder.rglob('*.py') if 'read_base' in path.read_text()]
    return sorted(found)


@pytest.mark.parametrize('path', shipped(), ids=lambda path: path.stem)
def test_one_that_a_package_ships_opts_in(path, tmp_path):
    try:
        own = Config.fromfile(path)
    except mmengine.config.config.ConfigParsingError as error:
        pytest.skip(f'what it inherits is not shipped: {str(error).partition("!")[0]}')
    child = tmp_path / 'child.py'
    text = 'from mmengine.config import read_base\nwith read_base():\n'
    child.write_text(f'{text}    from .own import *\n    from mmlth.configs.imp import *\n')
    (tmp_path / 'own.py').write_text(path.read_text())
    config = Config.fromfile(child)
    assert config.to_dict().keys() == own.to_dict().keys() | {'lottery'}
    assert {**config.to_dict(), 'lottery': None} == {**own.to_dict(), 'lottery': None}


def test_predictions_are_analysed_and_drawn(searched, folder, tmp_path):
    """With names of classes in place of a default scope."""
    tickets = [
        str(searched('detector') / f'tickets/round_0{number}.safetensors') for number in (0, 2)
    ]
    run = ['analyze', str(folder / 'detector.py'), *tickets, '--work-dir', str(tmp_path)]
    assert main(run) == 0
    page = next(tmp_path.glob('**/*.html')).read_text()
    assert 'default_scope' not in page
