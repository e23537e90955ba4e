"""Searches on MMPretrain models, supervised and self-supervised, with real Runners."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import spy
import torch
from kit import search_by, ticket_of, tickets_of
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from repository import ROOT

import mmlth
from mmlth.engine import build_model
from mmlth.engine.errors import LotteryError
from mmlth.pruning import averaged_copies
from mmlth.ticket import load_rewind_weights

pytest.importorskip('mmpretrain', reason='mmpretrain is not installed')

BASE = ROOT / 'configs/_base_/lth/imp.py'
IMAGES, BATCH, EPOCH = 12, 4, 3
BACKBONE = {
    'type': 'ResNet',
    'depth': 18,
    'stem_channels': 8,
    'base_channels': 8,
    'norm_cfg': {'type': 'BN'},
}
PROJECTION = {'in_channels': 64, 'hid_channels': 16, 'out_channels': 8}
NECK = {**PROJECTION, 'type': 'NonLinearNeck', 'norm_cfg': {'type': 'BN1d'}}
PREDICTOR = {**NECK, 'in_channels': 8, 'with_avg_pool': False, 'with_last_bn': False}
CONTRAST = {'type': 'ContrastiveHead', 'loss': {'type': 'CrossEntropyLoss'}}
MODELS = {
    'supervised': {
        'type': 'ImageClassifier',
        'neck': {'type': 'GlobalAveragePooling'},
        'head': {
            'type': 'LinearClsHead',
            'num_classes': 2,
            'in_channels': 64,
            'topk': (1,),
            'loss': {'type': 'CrossEntropyLoss'},
        },
    },
    'MoCo': {
        'type': 'MoCo',
        'queue_len': 16,
        'feat_dim': 8,
        'momentum': 0.1,
        'neck': {**PROJECTION, 'type': 'MoCoV2Neck'},
        'head': CONTRAST,
    },
    'BYOL': {
        'type': 'BYOL',
        'base_momentum': 0.1,
        'neck': NECK,
        'head': {
            'type': 'LatentPredictHead',
            'predictor': PREDICTOR,
            'loss': {'type': 'CosineSimilarityLoss'},
        },
    },
    'SimCLR': {'type': 'SimCLR', 'neck': NECK, 'head': CONTRAST},
}
AVERAGES = {'MoCo': 'encoder_k', 'BYOL': 'target_net'}
SELF_SUPERVISED = [name for name in MODELS if name != 'supervised']


@pytest.fixture(scope='module')
def pictures(tmp_path_factory):
    """Noise, the brighter half of it class 1, in the layout of ImageNet."""
    root = tmp_path_factory.mktemp('pictures')
    random = np.random.default_rng(0)
    for index in range(IMAGES):
        label = index % 2
        folder = root / f'class_{label}'
        folder.mkdir(exist_ok=True)
        picture = random.integers(0, 156, (24, 24, 3)) + 99 * label
        cv2.imwrite(str(folder / f'{index:02d}.png'), picture.astype(np.uint8))
    return root


def config_of(kind, pictures, work_dir, **lottery):
    crop = [
        {'type': 'RandomResizedCrop', 'scale': 16, 'crop_ratio_range': (0.5, 1.0)},
        {'type': 'RandomFlip', 'prob': 0.5},
    ]
    supervised = kind == 'supervised'
    views = crop if supervised else [{'type': 'MultiView', 'num_views': 2, 'transforms': [crop]}]
    loader = {
        'batch_size': BATCH,
        'num_workers': 0,
        'sampler': {'type': 'DefaultSampler', 'shuffle': True},
        'collate_fn': {'type': 'default_collate'},
        'dataset': {
            'type': 'CustomDataset',
            'data_prefix': str(pictures),
            'pipeline': [{'type': 'LoadImageFromFile'}, *views, {'type': 'PackInputs'}],
        },
    }
    changes = {
        'default_scope': 'mmpretrain',
        'model': {**MODELS[kind], 'backbone': BACKBONE},
        'data_preprocessor': {'mean': [127.0] * 3, 'std': [58.0] * 3, 'to_rgb': True},
        'train_dataloader': loader,
        'train_cfg': {'by_epoch': True, 'max_epochs': 3},
        'optim_wrapper': {
            'optimizer': {'type': 'SGD', 'lr': 0.05, 'momentum': 0.9, 'weight_decay': 1e-4}
        },
        'param_scheduler': {'type': 'CosineAnnealingLR', 'T_max': 9, 'by_epoch': False},
        'custom_hooks': [{'type': 'mmengine.SpyHook'}],
        'work_dir': str(work_dir),
        'experiment_name': work_dir.name,
        'randomness': {'seed': 0},
        'log_level': 'WARNING',
        'custom_imports': {'imports': ['mmlth'], 'allow_failed_imports': False},
        'lottery': {
            'target_sparsity': 0.75,
            'rounds': 2,
            'rewind': '1ep',
            'targets': {'scope': 's2'},
            **lottery,
        },
    }
    if supervised:
        changes['val_dataloader'] = {
            **loader,
            'sampler': {'type': 'DefaultSampler', 'shuffle': False},
        }
        changes |= {'val_cfg': {}, 'val_evaluator': {'type': 'Accuracy', 'topk': (1,)}}
    return Config(changes)


@pytest.fixture(scope='module')
def searches(pictures, tmp_path_factory):
    """Each kind of search, run once: its work_dir, what it was seen in, its record."""
    known = {}

    def get(kind):
        if kind not in known:
            work_dir = tmp_path_factory.mktemp(f'search_{kind}')
            spy.records.clear()
            state = search_by(config_of(kind, pictures, work_dir))
            known[kind] = work_dir, dict(spy.records), state
        return known[kind]

    return get


def originals(kind):
    """For each averaged parameter of the model, what it is the average of."""
    init_default_scope('mmpretrain')
    config = config_of(kind, Path('.'), Path('.'))
    return averaged_copies(build_model(config))


@pytest.mark.parametrize('kind', MODELS)
def test_masks_nest_and_are_of_the_backbone_alone(searches, kind):
    work_dir, _, record = searches(kind)
    tickets = tickets_of(work_dir)
    assert len(tickets) == 3
    # 16 convolutions in blocks and 3 shortcuts; conv1 and what follows the backbone are dense.
    for ticket in tickets:
        assert len(ticket.mask) == 19
        assert all(name.startswith('backbone.layer') for name in ticket.mask)
    for before, after, kept in zip(tickets, tickets[1:], record['schedule'][1:]):
        assert after.mask.kept == kept
        assert not any((after.mask[n] & ~before.mask[n]).any() for n in after.mask)


@pytest.mark.parametrize('kind', MODELS)
def test_each_round_starts_from_the_masked_state_of_step_k(searches, kind):
    work_dir, records, record = searches(kind)
    assert record['rewind']['iteration'] == EPOCH
    stored = load_rewind_weights(work_dir / 'rewind.safetensors')
    average = AVERAGES.get(kind)
    copies = originals(kind)
    assert bool(copies) == bool(average)
    for index, ticket in enumerate(tickets_of(work_dir)):
        seen = records[f'round_{index:02d}'][EPOCH]
        assert seen['weights'].keys() == stored.keys()
        for name, value in seen['weights'].items():
            kept = ticket.mask.get(copies.get(name) or name)
            expected = stored[name] if kept is None else torch.where(kept, stored[name], 0)
            assert torch.equal(value, expected), name  # the queue and the steps of averages, too
    if average:
        name = f'{average}.module.0.layer4.0.conv1.weight'
        kept = ticket.mask[copies[name]]
        assert stored[name][~kept].any(), 'proves nothing: the average was zero before'
        assert not torch.equal(stored[name], stored[copies[name]])
        assert stored[f'{average}.steps'] == EPOCH


@pytest.mark.parametrize('kind', MODELS)
def test_pruned_weights_and_their_averages_stay_zero(searches, kind):
    work_dir, records, _ = searches(kind)
    copies = originals(kind)
    for index, ticket in enumerate(tickets_of(work_dir)[1:], 1):
        states = [s['weights'] for s in records[f'round_{index:02d}'].values()]
        assert len(states) == 2 * EPOCH
        for state in [*states, ticket.state_dict()]:
            for name in state:
                kept = ticket.mask.get(copies.get(name) or name)
                assert kept is None or not state[name][~kept].any(), name
        moving = 'backbone.layer1.0.conv1.weight'
        assert not torch.equal(states[0][moving], states[-1][moving])


@pytest.mark.parametrize('kind', MODELS)
def test_what_is_reported(searches, kind):
    work_dir, records, record = searches(kind)
    names = {'accuracy/top1'} if kind == 'supervised' else {'train_loss'}
    for index, round_ in enumerate(record['rounds']):
        assert round_['metrics'].keys() == names
        assert all(isinstance(value, float) for value in round_['metrics'].values())
        # Averages are no part of the network.
        state = load_rewind_weights(work_dir / 'rewind.safetensors')
        own = [n for n in state if not n.startswith(('encoder_k', 'target_net', 'queue'))]
        own = [n for n in own if not n.endswith(('_mean', '_var', '_tracked'))]
        assert round_['parameters'] == sum(state[name].numel() for name in own)
        if kind != 'supervised':
            # What is seen before the last iteration lacks its loss.
            seen = records[f'round_{index:02d}'][3 * EPOCH - 1]['losses'][1 - EPOCH :]
            last = EPOCH * round_['metrics']['train_loss'] - sum(seen)
            assert 0 < last < 10 * max(1.0, *map(abs, seen)) or kind == 'BYOL'
    rows = (work_dir / 'report/results.csv').read_text().splitlines()
    assert rows[0] == f'round,sparsity,network_sparsity,{names.pop()},seconds'
    assert 'mmpretrain' in ticket_of(work_dir, 2).info['versions']


def test_a_search_goes_on_with_the_queue_and_the_averages(searches, pictures, tmp_path):
    work_dir, _, _ = searches('MoCo')
    for resume in (False, True, True):
        config = config_of('MoCo', pictures, tmp_path, rounds_per_run=1)
        config.resume = resume
        config.experiment_name = f'{tmp_path.name}_{len(list(tmp_path.glob("tickets/*")))}'
        Runner.from_cfg(config).train()
    for one, other in zip(sorted(work_dir.glob('tickets/*')), sorted(tmp_path.glob('tickets/*'))):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_scores_that_evaluate_a_network_which_learns_by_itself(searches, pictures, tmp_path):
    """The search's own model, its queue and its averages notice nothing."""
    work_dir, by_magnitude, record = searches('MoCo')
    spy.records.clear()
    config = config_of('MoCo', pictures, tmp_path, score='taylor')
    Runner.from_cfg(config).train()
    dense, ticket = tickets_of(tmp_path)[:2]
    assert ticket.mask.kept == record['schedule'][1]
    assert ticket.mask != tickets_of(work_dir)[1].mask
    before = tickets_of(work_dir)[0].state_dict()
    assert all(torch.equal(value, before[name]) for name, value in dense.state_dict().items())
    for name in ('queue', 'queue_ptr', 'encoder_k.steps'):
        states = [records['round_01'][EPOCH]['weights'] for records in (by_magnitude, spy.records)]
        assert torch.equal(states[0][name], states[1][name])
    assert 'is 0 for every weight' not in ''.join(p.read_text() for p in tmp_path.rglob('*.log'))


def test_get_model_and_inference_take_a_ticket(searches, pictures):
    from mmpretrain import ImageClassificationInferencer, get_model
    from mmpretrain.apis import init_model

    work_dir, _, _ = searches('supervised')
    path = str(work_dir / 'tickets/round_02.safetensors')
    config = config_of('supervised', pictures, work_dir)
    config.pop('lottery')
    expected = mmlth.load_ticket(path).state_dict()
    for model in (get_model(config, pretrained=path), init_model(config, path, device='cpu')):
        state = model.state_dict()
        assert all(torch.equal(state[name], value) for name, value in expected.items())
        assert model._dataset_meta['classes'] == ('class_0', 'class_1')
    config.test_dataloader = config.val_dataloader
    inferencer = ImageClassificationInferencer(config, pretrained=path, device='cpu')
    picture = str(next(pictures.rglob('*.png')))
    assert inferencer(picture)[0]['pred_class'] in ('class_0', 'class_1')


@pytest.mark.parametrize('package', ['mmdet', 'mmpose', 'mmpretrain'])
def test_a_self_supervised_ticket_is_the_start_of_a_backbone(searches, package):
    work_dir, _, _ = searches('MoCo')
    path = work_dir / 'tickets/round_02.safetensors'
    ticket = mmlth.load_ticket(path)
    backbone = {**BACKBONE, 'out_indices': (3,)}
    backbone['init_cfg'] = {'type': 'Pretrained', 'checkpoint': str(path), 'prefix': 'backbone.'}
    model = build_model(Config({'default_scope': package, 'model': backbone}))
    model.init_weights()
    state = model.state_dict()
    expected = ticket.state_dict()
    matched = [name for name in state if f'backbone.{name}' in expected]
    assert len(matched) == len(state) == 20 * 6  # a convolution and five tensors of its norm
    assert all(torch.equal(state[name], expected[f'backbone.{name}']) for name in state)
    # What the input was, which a target must match, is told by the config.
    told = ticket.info['config']
    assert told['data_preprocessor'] == {'mean': [127.0] * 3, 'std': [58.0] * 3, 'to_rgb': True}


def test_a_dense_checkpoint_of_a_self_supervised_model_loads_into_a_masked_one(searches, pictures):
    work_dir, _, _ = searches('MoCo')
    ticket = ticket_of(work_dir, 2)
    model = build_model(config_of('MoCo', pictures, work_dir))
    mmlth.attach_mask(model, ticket.mask)
    file = max((work_dir / 'round_00').glob('*.pth'), key=lambda path: path.stat().st_mtime)
    dense = torch.load(file, weights_only=False)['state_dict']
    model.load_state_dict(dense)
    assert mmlth.attached_mask(model) == ticket.mask
    name = 'encoder_k.module.0.layer4.0.conv1.weight'
    kept = ticket.mask['backbone.layer4.0.conv1.weight']
    assert torch.equal(model.state_dict()[name], torch.where(kept, dense[name], 0))


def test_patterns_for_an_average_match_nothing(pictures, tmp_path):
    targets = {'include': ['encoder_k']}
    with pytest.raises(LotteryError, match='matches no weight'):
        Runner.from_cfg(config_of('MoCo', pictures, tmp_path, targets=targets)).train()
