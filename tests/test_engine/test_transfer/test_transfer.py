"""Transfers between real models, with numbers of parameters as computed by hand.

A convolution has in · out · height · width weights, a batch norm 2 · channels.

ResNet-18: stem 3·64·7² = 9,408; stage 1: 4 · 64²·9 = 147,456; stage 2: 64·128·9 + 3 · 128²·9
+ shortcut 64·128 = 524,288; stages 3 and 4: four times the one before, 2,097,152 and 8,388,608.
20 convolutions with 11,166,912 weights. Norms: 2 · (64·5 + 128·5 + 256·5 + 512·5) = 9,600 in 40.

ResNet-50: stem 9,408; a block of width w has 4w·w + 9w² + w·4w = 17w², the first of a stage w·in
instead of w·4w and a shortcut of in·4w. Stage 1: 73,728 + 2 · 69,632 = 212,992; stage 2: 376,832
+ 3 · 278,528 = 1,212,416; stage 3: 1,507,328 + 5 · 1,114,112 = 7,077,888; stage 4: 6,029,312
+ 2 · 4,456,448 = 14,942,208. 53 convolutions with 23,454,912 weights. Norms: 53,120 in 106.

Mask R-CNN freezes stem and stage 1, so these are not pruned.

A C4 detector has stage 4 on regions of interest. Where neither stem nor shortcuts are pruned, as
on VOC, 10,985,472 weights of a ResNet-18 are left in 16 convolutions (shortcuts: 64·128 + 128·256
+ 256·512 = 172,032), of a ResNet-50 20,676,608 in 48 (64·256 + 256·512 + 512·1024 + 1024·2048
= 2,768,896).
"""

import functools
import hashlib

import pytest
import torch
from mmdet.models import ResNet
from repository import CONFIGS
from torch import nn

import mmlth
from mmlth import Ticket, masked, save_ticket
from mmlth.engine import LotteryError, build_model, read_config
from mmlth.engine.transfer.heads import task_heads
from mmlth.engine.transfer.image_input import input_of
from mmlth.ticket import TicketMismatchError
from mmlth.ticket.image_input import INPUTS

CONVS = {18: (20, 11_166_912), 50: (53, 23_454_912)}
NORMS = {18: (40, 9_600), 50: (106, 53_120)}
FROZEN = {18: (5, 9_408 + 147_456), 50: (11, 9_408 + 212_992)}
OUTPUTS = {18: 512, 50: 2048}
OWN = {'model.backbone.init_cfg': None}
MASK_RCNN = 'mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py'
C4 = 'mmdet::faster_rcnn/faster-rcnn_r50-caffe_c4-1x_coco.py'

FASTER_RCNN = 'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py'
POSE = 'mmpose::body_2d_keypoint/topdown_heatmap/coco/td-hm_res50_8xb64-210e_coco-256x192.py'
NARROW = {**OWN, 'model.backbone.depth': 18}
DETECTOR_18 = {**NARROW, 'model.neck.in_channels': [64, 128, 256, 512]}
POSE_18 = {**NARROW, 'model.head.in_channels': 512}


def torchvision(depth):
    """Weights as torchvision's file has them: the stock backbone's names, and a classifier."""
    torch.manual_seed(depth)
    backbone = ResNet(depth)
    backbone.init_weights()
    fc = nn.Linear(OUTPUTS[depth], 1000)
    return {**backbone.state_dict(), 'fc.weight': fc.weight.detach(), 'fc.bias': fc.bias.detach()}


@functools.cache
def weights(depth):
    return torchvision(depth)


def counted(done, names):
    known = [name for name in names if name in done.parameters]
    return len(known), done.weights(known)


@pytest.mark.parametrize(
    ('depth', 'config', 'options'),
    [(18, MASK_RCNN, DETECTOR_18), (50, MASK_RCNN, OWN), (18, POSE, POSE_18), (50, POSE, OWN)],
)
def test_a_mask_from_a_pretrained_backbone(tmp_path, depth, config, options):
    torch.save(weights(depth), tmp_path / 'resnet.pth')
    done = mmlth.transfer(
        tmp_path / 'resnet.pth', config, sparsity=0.8, input='torchvision', cfg_options=options
    )
    frozen = FROZEN[depth] if config == MASK_RCNN else (0, 0)
    count, total = CONVS[depth][0] - frozen[0], CONVS[depth][1] - frozen[1]
    assert counted(done, done.transplant.masked) == (count, total)
    whole = tuple(map(sum, zip(CONVS[depth], NORMS[depth])))
    assert counted(done, done.names.matched) == whole
    assert set(done.names.unused) == {'fc.weight', 'fc.bias'}
    assert not done.names.mismatched
    assert not any(name.startswith('backbone.') for name in done.names.missing)

    mask, result = done.ticket.mask, done.ticket.weights
    chosen = [name for name in mask if name in done.transplant.masked]
    assert sum(int(mask[n].count_nonzero()) for n in chosen) == total - round(total * 0.8)
    for name, kept in mask.items():
        if name.startswith('backbone.'):
            assert torch.equal(result[name], weights(depth)[name[9:]] * kept)
        else:
            assert kept.all()  # never over heads
    least = min(float(result[name][mask[name]].abs().min()) for name in chosen)
    most = max(float(weights(depth)[n[9:]][~mask[n]].abs().max()) for n in chosen)
    assert most <= least  # ranked over all layers together

    model = build_model(read_config(config, options))
    model.load_state_dict(done.ticket.state_dict())  # every key, strictly
    told = done.ticket.info['transfer']
    assert told['masked'] == {'parameters': count, 'weights': total}
    digest = hashlib.sha256((tmp_path / 'resnet.pth').read_bytes()).hexdigest()
    assert told['source']['sha256'] == digest
    assert told['rules'] == ['=backbone.']


VOC_CONVS = {18: (16, 10_985_472), 50: (48, 20_676_608)}
C4_OWN = {'model.backbone.init_cfg': None, 'model.roi_head.shared_head.init_cfg': None}


@pytest.mark.parametrize(
    ('depth', 'config', 'masked_there'),
    [
        (18, CONFIGS / 'faster_rcnn/faster_rcnn_r18_voc_imp.py', VOC_CONVS[18]),
        (50, CONFIGS / 'faster_rcnn/faster_rcnn_r50_voc_imp.py', VOC_CONVS[50]),
        (50, C4, (53 - 11, CONVS[50][1] - FROZEN[50][1])),
    ],
)
def test_the_last_stage_of_a_c4_detector_is_of_the_backbone(tmp_path, depth, config, masked_there):
    torch.save(weights(depth), tmp_path / 'resnet.pth')
    done = mmlth.transfer(
        tmp_path / 'resnet.pth', config, sparsity=0.5, any_input=True, cfg_options=C4_OWN
    )
    whole = tuple(map(sum, zip(CONVS[depth], NORMS[depth])))
    assert counted(done, done.names.matched) == whole
    assert set(done.names.unused) == {'fc.weight', 'fc.bias'}
    assert counted(done, done.transplant.masked) == masked_there
    top = 'roi_head.shared_head.'
    moved = [name for name in done.names.matched if name.startswith(top)]
    assert len([n for n in weights(depth) if n.startswith('layer4.')]) == len(moved)
    mask, result = done.ticket.mask, done.ticket.weights
    for name in moved:
        expected = weights(depth)[name.removeprefix(top)]
        assert torch.equal(result[name], expected * mask[name] if name in mask else expected)
    # One threshold over backbone and last stage.
    kept = {name: int(mask[name].count_nonzero()) for name in done.transplant.masked}
    assert sum(kept.values()) == masked_there[1] - round(masked_there[1] / 2)
    origin = done.names.matched
    least = min(float(result[name][mask[name]].abs().min()) for name in kept)
    most = max(float(weights(depth)[origin[n]][~mask[n]].abs().max()) for n in kept)
    assert most <= least
    assert all(kept.all() for n, kept in mask.items() if n not in done.transplant.masked)
    assert done.ticket.info['transfer']['rules'] == [
        '=backbone.',
        'layer4.=roi_head.shared_head.layer4.',
    ]


def test_a_ticket_of_a_classifier_for_a_c4_detector(tmp_path):
    sparse, mask = with_zeros(weights(18))
    state = {f'backbone.{n}': w for n, w in sparse.items() if not n.startswith('fc')}
    torch.save(
        {'meta': {}, 'state_dict': {**state, 'head.fc.weight': torch.ones(2, 2)}},
        tmp_path / 'c.pth',
    )
    done = mmlth.transfer(
        tmp_path / 'c.pth',
        CONFIGS / 'faster_rcnn/faster_rcnn_r18_voc_imp.py',
        dry_run=True,
        input='torchvision',
    )
    assert counted(done, done.transplant.masked) == VOC_CONVS[18]
    assert done.transplant.outside == ('backbone.conv1.weight',)  # the stem
    name = 'layer4.1.conv2.weight'
    assert torch.equal(done.ticket.mask[f'roi_head.shared_head.{name}'], mask[name])


def test_one_shot_leaves_the_heads_of_a_detector_alone(tmp_path):
    config = CONFIGS / 'faster_rcnn/faster_rcnn_r18_voc_imp.py'
    save_sparse(tmp_path / 'd.safetensors', config, C4_OWN)
    done = mmlth.transfer(tmp_path / 'd.safetensors', config, sparsity=0.9, dry_run=True)
    assert 'rpn_head.rpn_conv.weight' in done.names.matched
    assert counted(done, done.transplant.masked) == VOC_CONVS[18]


def test_values_that_the_target_keeps(tmp_path):
    torch.save(weights(18), tmp_path / 'r18.pth')
    give = functools.partial(
        mmlth.transfer, tmp_path / 'r18.pth', POSE, input='torchvision', cfg_options=POSE_18
    )
    theirs, own = (give(sparsity=0.9, values=values, seed=3) for values in ('trained', 'target'))
    assert own.ticket.mask == theirs.ticket.mask
    torch.manual_seed(0)
    again = give(sparsity=0.9, values='target', seed=3).ticket.weights
    other = give(sparsity=0.9, values='target', seed=4).ticket.weights
    name = 'backbone.layer3.0.conv1.weight'
    kept = own.ticket.mask[name]
    assert torch.equal(own.ticket.weights[name], again[name])
    assert not torch.equal(other[name], again[name])
    assert not again[name][~kept].any()
    assert not torch.equal(again[name], theirs.ticket.weights[name])
    # The rest is the target's own either way, initialised as the head says: σ = 0.001.
    assert own.ticket.weights['head.deconv_layers.0.weight'].abs().max() < 0.01
    assert torch.equal(
        own.ticket.weights['head.final_layer.weight'],
        theirs.ticket.weights['head.final_layer.weight'],
    )


def prefixed(prefix, state):
    return {prefix + name: tensor for name, tensor in state.items()}


def with_zeros(state, share=0.5):
    """Every convolution but the shortcuts pruned, as S1 does."""
    names = [n for n, w in state.items() if w.dim() == 4 and 'downsample' not in n]
    mask = mmlth.prune({name: state[name] for name in names}, sparsity=share)
    return masked(state, mask), mask


def s2_masks(state):
    """Never the first convolution; `NAME_orig` beside `NAME_mask`."""
    names = [n for n, w in state.items() if w.dim() == 4 and n != 'conv1.weight']
    mask = mmlth.prune({name: state[name] for name in names}, sparsity=0.7)
    rest = {n: w for n, w in state.items() if n not in mask}
    pairs = {f'{n}_orig': state[n] for n in mask} | {
        f'{n}_mask': k.float() for n, k in mask.items()
    }
    return {**rest, **pairs}, mask


def test_moco_gives_the_query_encoder_and_never_the_key_encoder(tmp_path):
    decoy = {name: torch.full_like(tensor, 7) for name, tensor in weights(18).items()}
    file = {
        'state_dict': {
            **prefixed('module.encoder_q.', weights(18)),
            **prefixed('module.encoder_k.', decoy),  # later: the one that would overwrite
            'module.queue': torch.ones(4, 4),
            'module.queue_ptr': torch.zeros(1),
        },
        'arch': 'resnet18',
    }
    torch.save(file, tmp_path / 'moco.pth')
    done = mmlth.transfer(
        tmp_path / 'moco.pth', POSE, sparsity=0.5, input='torchvision', cfg_options=POSE_18
    )
    assert done.form.startswith('MoCo checkpoint')
    assert counted(done, done.transplant.masked) == CONVS[18]
    weight = done.ticket.weights['backbone.conv1.weight']
    kept = done.ticket.mask['backbone.conv1.weight']
    assert torch.equal(weight, weights(18)['conv1.weight'] * kept)
    assert not (weight == 7).any()


@pytest.mark.parametrize('form', ['SimCLR', 'S1', 'S2', 'mmpretrain'])
def test_other_known_forms(tmp_path, form):
    state = weights(18)
    sparse, mask = s2_masks(state) if form == 'S2' else with_zeros(state)
    file = {
        'SimCLR': {'state_dict': state},
        'S1': {'state_dict': prefixed('module.', sparse)},
        'S2': {'state_dict': sparse},
        'mmpretrain': {
            'meta': {'epoch': 3},
            'state_dict': {
                **prefixed('backbone.', {n: w for n, w in state.items() if n[:2] != 'fc'}),
                'head.fc.weight': state['fc.weight'],
                'head.fc.bias': state['fc.bias'],
            },
        },
    }[form]
    torch.save(file, tmp_path / 'file.pth')
    dense = form in ('SimCLR', 'mmpretrain')
    done = mmlth.transfer(
        tmp_path / 'file.pth',
        POSE,
        sparsity=0.5 if dense else None,
        input='torchvision',
        cfg_options=POSE_18,
    )
    matched = CONVS[18][0] + NORMS[18][0], CONVS[18][1] + NORMS[18][1]
    assert counted(done, done.names.matched) == matched
    if not dense:
        result = done.ticket.mask
        for name, tensor in result.items():
            given = mask.get(name.removeprefix('backbone.'))
            assert torch.equal(tensor, given) if given is not None else tensor.all(), name
        # S1 leaves 3 shortcuts dense: 64·128 + 128·256 + 256·512; S2 the stem.
        left = {'S1': 8_192 + 32_768 + 131_072, 'S2': 9_408}[form]
        pruned = {'S1': 0.5, 'S2': 0.7}[form] * (CONVS[18][1] - left)
        assert result.total - result.kept == pytest.approx(pruned, abs=1)


def test_masks_of_frozen_weights_are_told(tmp_path):
    sparse, _ = with_zeros(weights(18))
    torch.save({'state_dict': prefixed('module.', sparse)}, tmp_path / 's1.pth')
    give = functools.partial(mmlth.transfer, tmp_path / 's1.pth', MASK_RCNN, input='torchvision')
    done = give(cfg_options=DETECTOR_18, dry_run=True)
    assert counted(done, done.transplant.outside) == FROZEN[18]
    frozen = give(cfg_options={**DETECTOR_18, 'lottery.targets.frozen': True}, dry_run=True)
    assert not frozen.transplant.outside
    assert counted(frozen, frozen.transplant.masked) == (20, CONVS[18][1])


def save_sparse(path, config, options):
    """A model with random weights, pruned to a half, as a search would save it."""
    cfg = read_config(config, options)
    torch.manual_seed(1)
    chosen, model = mmlth.targets(cfg)
    mask = mmlth.prune({t.name: t.parameter.detach() for t in chosen}, sparsity=0.5)
    ticket = Ticket(mask, masked(model.state_dict(), mask), {'config': cfg.to_dict()})
    save_ticket(ticket, path)
    return ticket


FPN = 4 + 4  # lateral and output convolutions
FPN_18 = (64 + 128 + 256 + 512) * 256 + 4 * 256 * 256 * 9
RPN_CONV = 256 * 256 * 9
BOX_18 = 256 * 7 * 7 * 1024 + 1024 * 1024  # the two shared fully connected layers
FREE_18 = CONVS[18][1] - FROZEN[18][1]


def test_detection_to_segmentation_and_back(tmp_path):
    """Every mask but the box predictor's and the mask head's; values of the RPN's outputs too."""
    common = FREE_18 + FPN_18 + RPN_CONV + BOX_18
    count = CONVS[18][0] - FROZEN[18][0] + FPN + 1 + 2
    for source, target in [(FASTER_RCNN, MASK_RCNN), (MASK_RCNN, FASTER_RCNN)]:
        ticket = save_sparse(tmp_path / 't.safetensors', source, DETECTOR_18)
        done = mmlth.transfer(tmp_path / 't.safetensors', target, cfg_options=DETECTOR_18)
        assert counted(done, done.transplant.masked) == (count, common)
        for name in done.transplant.masked:
            assert torch.equal(done.ticket.mask[name], ticket.mask[name])
            assert torch.equal(done.ticket.weights[name], ticket.weights[name])
        assert 'rpn_head.rpn_cls.weight' in done.names.matched
        predictor = {
            f'roi_head.bbox_head.{n}'
            for n in ('fc_cls.weight', 'fc_cls.bias', 'fc_reg.weight', 'fc_reg.bias')
        }
        assert set(done.names.left_out) == predictor
        assert all(kept.all() for n, kept in done.ticket.mask.items() if 'mask_head' in n)


def test_detection_to_pose_and_back(tmp_path):
    save_sparse(tmp_path / 'd.safetensors', MASK_RCNN, DETECTOR_18)
    save_sparse(tmp_path / 'p.safetensors', POSE, POSE_18)
    pose = mmlth.transfer(tmp_path / 'd.safetensors', POSE, cfg_options=POSE_18)
    # The detector's frozen layers had no mask, so here they are dense.
    assert counted(pose, pose.transplant.masked) == (15, FREE_18)
    assert pose.ticket.mask['backbone.conv1.weight'].all()
    assert all(not n.startswith(('neck', 'head')) for n in pose.names.matched)
    assert pose.ticket.info['config']['model']['type'] == 'TopdownPoseEstimator'
    back = mmlth.transfer(tmp_path / 'p.safetensors', MASK_RCNN, cfg_options=DETECTOR_18)
    assert counted(back, back.transplant.masked) == (15, FREE_18)
    assert counted(back, back.transplant.outside) == FROZEN[18]


def test_pose_to_pose_leaves_the_keypoint_head_out_unless_asked(tmp_path):
    save_sparse(tmp_path / 'p.safetensors', POSE, POSE_18)
    give = functools.partial(mmlth.transfer, tmp_path / 'p.safetensors', POSE, dry_run=True)
    done = give(cfg_options=POSE_18)
    assert done.names.left_out
    assert all(name.startswith('head.') for name in done.names.left_out)
    assert 'head.deconv_layers.0.weight' in done.names.left_out
    assert not done.names.missing
    other = give(cfg_options={**POSE_18, 'model.head.out_channels': 4}, heads=True)
    assert not other.names.left_out
    assert set(other.names.mismatched) == {'head.final_layer.weight', 'head.final_layer.bias'}
    assert 'head.deconv_layers.0.weight' in other.transplant.masked


def test_segmentation_to_segmentation_leaves_the_whole_mask_head_out(tmp_path):
    save_sparse(tmp_path / 'm.safetensors', MASK_RCNN, DETECTOR_18)
    done = mmlth.transfer(
        tmp_path / 'm.safetensors', MASK_RCNN, cfg_options=DETECTOR_18, dry_run=True
    )
    modules = {'.'.join(name.split('.')[:3]) for name in done.names.left_out}
    box = {'roi_head.bbox_head.fc_cls', 'roi_head.bbox_head.fc_reg'}
    mask = {f'roi_head.mask_head.{name}' for name in ('convs', 'upsample', 'conv_logits')}
    assert modules == box | mask


def test_task_heads_of_a_single_stage_detector():
    model = build_model(read_config('mmdet::retinanet/retinanet_r18_fpn_1x_coco.py'))
    parameters = [n for n, _ in model.named_parameters()]
    assert sorted(task_heads(model, parameters)) == [
        f'bbox_head.retina_{n}' for n in ('cls.bias', 'cls.weight', 'reg.bias', 'reg.weight')
    ]


def test_depths(tmp_path):
    torch.save(weights(18), tmp_path / 'r18.pth')
    give = functools.partial(mmlth.transfer, tmp_path / 'r18.pth', POSE, input='torchvision')
    deeper = {**POSE_18, 'model.backbone.depth': 34}
    with pytest.raises(TicketMismatchError, match=r'2-2-2-2 .* 3-4-6-3'):
        give(cfg_options=deeper)
    with pytest.raises(TicketMismatchError, match='blocks of 2 convolutions cannot become'):
        give(cfg_options=OWN, depths='append')
    done = give(cfg_options=deeper, depths='append', sparsity=0.8)
    # ResNet-34: 1 + 2 + 4 + 1 more blocks of 2 · w²·9.
    more = 2 * 9 * (64**2 + 2 * 128**2 + 4 * 256**2 + 512**2)
    assert counted(done, done.transplant.masked) == (20 + 16, CONVS[18][1] + more)
    mask, state = done.ticket.mask, done.ticket.weights
    for block in (1, 2, 5):
        name = f'backbone.layer3.{block}.conv2.weight'
        assert torch.equal(mask[name], mask['backbone.layer3.1.conv2.weight'])
        assert torch.equal(state[name], weights(18)['layer3.1.conv2.weight'] * mask[name])


def test_no_match_and_other_shapes(tmp_path):
    torch.save({'encoder.weight': torch.ones(2, 2)}, tmp_path / 'x.pth')
    with pytest.raises(TicketMismatchError, match=r'no name of the source is one of the target'):
        mmlth.transfer(tmp_path / 'x.pth', POSE, cfg_options=POSE_18)
    state = weights(18) | {'conv1.weight': torch.ones(64, 1, 7, 7)}
    torch.save(state, tmp_path / 'grey.pth')
    done = mmlth.transfer(tmp_path / 'grey.pth', POSE, cfg_options=POSE_18, dry_run=True)
    assert done.names.mismatched == {'backbone.conv1.weight': 'conv1.weight'}
    assert done.ticket.mask['backbone.conv1.weight'].all()


def test_inputs_are_compared(tmp_path):
    torch.save(weights(18), tmp_path / 'r18.pth')
    give = functools.partial(mmlth.transfer, tmp_path / 'r18.pth', POSE, cfg_options=POSE_18)
    with pytest.raises(LotteryError, match=r'nothing tells what images .*r18\.pth was trained on'):
        give()
    with pytest.raises(LotteryError, match=r'trained on bgr:103.53.*bgr_to_rgb=False') as error:
        give(input='caffe')
    for part in ('mean="[103.53, 116.28, 123.675]"', 'std="[1.0, 1.0, 1.0]"'):
        assert f'model.data_preprocessor.{part}' in str(error.value)
    caffe = {
        'model.data_preprocessor.mean': [103.53, 116.28, 123.675],
        'model.data_preprocessor.std': [1.0, 1.0, 1.0],
        'model.data_preprocessor.bgr_to_rgb': False,
    }
    mended = mmlth.transfer(tmp_path / 'r18.pth', POSE, cfg_options=POSE_18 | caffe, input='caffe')
    assert mended.input_problem() is None
    assert give(input='caffe', any_input=True).input_problem()
    assert give(source_config=MASK_RCNN).input_problem() is None
    with pytest.raises(LotteryError, match='give one of them'):
        give(source_config=MASK_RCNN, input='caffe')


def test_a_ticket_tells_its_input(tmp_path):
    save_sparse(tmp_path / 'p.safetensors', POSE, POSE_18)
    give = functools.partial(mmlth.transfer, tmp_path / 'p.safetensors', MASK_RCNN)
    swapped = {**DETECTOR_18, 'model.data_preprocessor.bgr_to_rgb': False}
    with pytest.raises(LotteryError, match=r'source was trained on rgb:.* target is shown bgr:'):
        give(cfg_options=swapped)
    with pytest.raises(LotteryError, match='tells that it was trained on rgb'):
        give(cfg_options=DETECTOR_18, input='caffe')


@pytest.mark.parametrize(
    ('name', 'expected'),
    [
        (MASK_RCNN, 'torchvision'),
        ('mmdet::faster_rcnn/faster-rcnn_r50-caffe_fpn_1x_coco.py', 'caffe'),
        ('mmdet::rtmdet/rtmdet_tiny_8xb32-300e_coco.py', 'bgr-imagenet'),
        ('mmdet::yolox/yolox_tiny_8xb8-300e_coco.py', 'bgr-0-255'),
        (POSE, 'torchvision'),
    ],
)
def test_inputs_of_the_zoos(name, expected):
    assert input_of(read_config(name)) == INPUTS[expected]


def test_inputs_that_configs_do_not_tell():
    known = {'data_preprocessor': {'mean': [1, 2, 3], 'std': [4, 5, 6], 'to_rgb': True}}
    assert str(input_of(known)) == 'rgb:1,2,3:4,5,6'
    assert str(input_of({'model': {'data_preprocessor': known}})) == 'rgb:1,2,3:4,5,6'
    assert input_of({}) is None
    for step in ({'type': 'Normalize'}, {'type': 'LoadImageFromFile', 'color_type': 'grayscale'}):
        loader = {'dataset': {'dataset': {'pipeline': [step]}}}
        assert input_of(known | {'train_dataloader': loader}) is None
