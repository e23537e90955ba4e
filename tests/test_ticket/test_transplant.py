"""Mask and values of one model in another, by hand."""

import pytest
import torch

from mmlth.pruning import Mask
from mmlth.ticket import TicketMismatchError
from mmlth.ticket.errors import TicketError
from mmlth.ticket.image_input import INPUTS, ImageInput, parse_input
from mmlth.ticket.mapping import map_names, parse_rules
from mmlth.ticket.transplant import one_shot, transplant

SOURCE = {
    'conv.weight': torch.tensor([[5.0, -1.0], [0.5, -8.0]]),
    'norm.weight': torch.tensor([3.0, 4.0]),
    'fc.weight': torch.tensor([[0.1, 0.2]]),
}
TARGET = {
    'backbone.conv.weight': torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float64),
    'backbone.norm.weight': torch.tensor([1.0, 1.0]),
    'neck.weight': torch.tensor([[6.0, 7.0]]),
    'head.weight': torch.tensor([[8.0, 9.0]]),
}
MASK = Mask({'conv.weight': torch.tensor([[True, False], [False, True]])})
BACKBONE = ['backbone.conv.weight']
PRUNABLE = [*BACKBONE, 'neck.weight']


def names(*rules):
    shapes = [{n: tuple(t.shape) for n, t in model.items()} for model in (SOURCE, TARGET)]
    return map_names(*shapes, parse_rules(rules))


def test_mask_and_values():
    done = transplant(names('=backbone.'), MASK, SOURCE, TARGET, PRUNABLE)
    assert list(done.mask) == PRUNABLE
    assert done.mask['backbone.conv.weight'].tolist() == [[True, False], [False, True]]
    assert done.mask['neck.weight'].all()  # not given: dense
    weight = done.weights['backbone.conv.weight']
    assert weight.tolist() == [[5, 0], [0, -8]]
    assert weight.dtype == torch.float64  # the target's
    assert not torch.signbit(weight[0, 1])
    assert done.weights['backbone.norm.weight'].tolist() == [3, 4]
    assert done.weights['neck.weight'].tolist() == [[6, 7]]
    assert (done.masked, done.outside) == (('backbone.conv.weight',), ())
    assert TARGET['backbone.conv.weight'].tolist() == [[1, 2], [3, 4]]


def test_the_mask_alone():
    done = transplant(names('=backbone.'), MASK, None, TARGET, PRUNABLE)
    assert done.weights['backbone.conv.weight'].tolist() == [[1, 0], [0, 4]]
    assert done.weights['backbone.norm.weight'].tolist() == [1, 1]


def test_a_weight_that_the_target_does_not_prune():
    done = transplant(names('=backbone.'), MASK, SOURCE, TARGET, ['neck.weight'])
    assert list(done.mask) == ['neck.weight']
    assert done.outside == ('backbone.conv.weight',)
    assert done.weights['backbone.conv.weight'].tolist() == [[5, -1], [0.5, -8]]
    with pytest.raises(TicketMismatchError, match=r'nothing is transferred.*of the 1 masks'):
        transplant(names('=backbone.'), MASK, None, TARGET, ['neck.weight'])


def test_tied_weights_of_the_target_stay_tied():
    target = {**TARGET, 'neck.alias': TARGET['backbone.norm.weight']}
    done = transplant(names('=backbone.'), MASK, SOURCE, target, PRUNABLE)
    assert done.weights['neck.alias'] is done.weights['backbone.norm.weight']
    assert done.weights['neck.alias'].tolist() == [3, 4]


def test_one_shot_ranks_the_backbone_alone():
    # Over all weights of the source fc's 0.1 and 0.2 would go first.
    prunable = [*PRUNABLE, 'head.weight']
    result = one_shot(names('=backbone.', 'fc.=head.'), SOURCE, Mask({}), BACKBONE, 0.5)
    assert list(result) == ['conv.weight']
    assert result['conv.weight'].tolist() == [[True, False], [False, True]]
    done = transplant(names('=backbone.', 'fc.=head.'), result, SOURCE, TARGET, prunable)
    assert done.mask['head.weight'].all()
    assert done.weights['head.weight'].tolist() == SOURCE['fc.weight'].tolist()


def test_one_shot_within_a_mask():
    kept = Mask({'conv.weight': torch.tensor([[True, True], [True, False]])})
    result = one_shot(names('=backbone.'), SOURCE, kept, BACKBONE, 0.5)
    assert result['conv.weight'].tolist() == [[True, True], [False, False]]
    with pytest.raises(TicketMismatchError, match=r'25\.00% of which are pruned already'):
        one_shot(names('=backbone.'), SOURCE, kept, BACKBONE, 0.1)
    with pytest.raises(TicketMismatchError, match='the source gives none that is prunable'):
        one_shot(names('fc.=head.'), SOURCE, Mask({}), BACKBONE, 0.5)


def test_inputs():
    torchvision, caffe = INPUTS['torchvision'], INPUTS['caffe']
    # 0.485, 0.456, 0.406 and 0.229, 0.224, 0.225 of 255
    text = 'rgb:123.675,116.28,103.53:58.395,57.12,57.375'
    assert parse_input(text) == parse_input('torchvision') == torchvision
    assert str(torchvision) == text
    assert torchvision.same(ImageInput('rgb', (123.68, 116.28, 103.53), (58.4, 57.12, 57.38)))
    assert not torchvision.same(ImageInput('bgr', torchvision.mean, torchvision.std))
    assert not torchvision.same(ImageInput('rgb', torchvision.mean, caffe.std))
    assert not torchvision.same(ImageInput('rgb', caffe.mean, torchvision.std))
    assert not torchvision.same(ImageInput('rgb', (0.0,), (1.0,)))


@pytest.mark.parametrize(
    'text', ['imagenet', 'rgb', 'rgb:1,2,3', 'gbr:1,2,3:1,2,3', 'rgb:1,2:1,2', 'rgb:0,0,0:1,0,1']
)
def test_inputs_that_are_none(text):
    with pytest.raises(TicketError, match=r'expected torchvision, caffe.* or ORDER:MEAN:STD'):
        parse_input(text)
