import pytest
from torch import nn

from mmlth.pruning import TargetError, find_targets


class RPNHead(nn.Module):
    def __init__(self):
        super().__init__()
        self.rpn_conv = nn.Conv2d(8, 8, 3)
        self.rpn_cls = nn.Conv2d(8, 2, 1)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv1d(8, 8, 3))
        self.neck = nn.ConvTranspose2d(8, 8, 2)
        self.attention = nn.MultiheadAttention(8, 2)
        self.embedding = nn.Embedding(5, 8)
        self.rpn_head = RPNHead()


def names(**arguments):
    return [target.name for target in find_targets(Model(), **arguments)]


def test_default_is_every_convolution_and_linear_layer_but_the_predictors():
    assert names() == [
        'backbone.0.weight',
        'backbone.2.weight',
        'neck.weight',
        'attention.in_proj_weight',
        'attention.out_proj.weight',
        'rpn_head.rpn_conv.weight',
    ]


def test_predictors_on_request():
    assert set(names(predictors=True)) - set(names()) == {'rpn_head.rpn_cls.weight'}


@pytest.mark.parametrize(
    ('pattern', 'matched'),
    [
        ('backbone', ['backbone.0.weight', 'backbone.2.weight']),
        ('backbone.0', ['backbone.0.weight']),
        ('backbone.0.weight', ['backbone.0.weight']),
        ('rpn_conv', ['rpn_head.rpn_conv.weight']),
        ('rpn_*', ['rpn_head.rpn_conv.weight']),
        ('Conv1d', ['backbone.2.weight']),
        ('_ConvTransposeNd', ['neck.weight']),
        ('RPN*', None),
        ('conv', None),  # parts of the path match as a whole
        ('ack', None),
    ],
)
def test_patterns(pattern, matched):
    if matched is None:
        with pytest.raises(TargetError, match='matches no weight'):
            names(include=[pattern])
    else:
        assert names(include=[pattern]) == matched
        assert names(exclude=[pattern]) == [n for n in names() if n not in matched]


def test_frozen_weights_on_request():
    model = Model()
    model.backbone[0].requires_grad_(False)
    assert 'backbone.0.weight' not in [t.name for t in find_targets(model)]
    assert 'backbone.0.weight' in [t.name for t in find_targets(model, frozen=True)]


def test_the_error_names_what_there_is():
    with pytest.raises(TargetError, match=r"'backbnoe'.*nearest: backbone.*Conv1d"):
        names(exclude=['backbnoe'])


def test_nothing_to_prune_is_an_error():
    with pytest.raises(TargetError, match='no prunable weights'):
        find_targets(nn.Sequential(nn.BatchNorm2d(3), nn.ReLU()))
    with pytest.raises(TargetError, match='no prunable weights'):
        names(exclude=['backbone', 'neck', 'attention', 'rpn_conv'])
