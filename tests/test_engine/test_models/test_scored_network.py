"""Scores that evaluate the network, on models of the packages and real data."""

import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MessageHub
from repository import CONFIGS, data_set
from toy import toy_config

from mmlth.engine.models.building import build_model
from mmlth.engine.models.scored_network import ConfigNetwork
from mmlth.pruning import Mask, find_targets, prune
from mmlth.pruning.scores import Grasp, Snip, Synflow, Taylor, needing

NAMES = {
    'one stage': 'rtmdet/rtmdet_tiny_bccd_imp.py',
    'two stages': 'mask_rcnn/mask_rcnn_tiny_nuclei_imp.py',
    'pose': 'rtmpose/rtmpose_tiny_mouse_imp.py',
}


@pytest.fixture(scope='module', params=NAMES)
def network(request):
    """With a batch of two images, and the weights that a training would start from."""
    folder = data_set(NAMES[request.param].split('_')[-2])
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder.parents[1])
        config = Config.fromfile(CONFIGS / NAMES[request.param])
        config.train_dataloader.batch_size = 2
        torch.manual_seed(0)
        model = build_model(config)
        model.init_weights()
        weights = model.state_dict()
        for name, weight in weights.items():
            # Residual blocks may start with a norm layer of weight 0, which nothing passes.
            if name.endswith('.weight') and not weight.any():
                weight.fill_(1)
        mask = Mask.dense({target.name: target.parameter for target in find_targets(model)})
        with ConfigNetwork(config, 0, torch.device('cpu')) as scored:
            yield scored, weights, mask


SCORES = [Snip(1), Taylor(1), Grasp(1, product='difference'), Synflow(2)]


@pytest.mark.parametrize('score', SCORES, ids=lambda score: type(score).__name__)
def test_each_score_reaches_every_layer(network, score):
    model, weights, mask = network
    seen = []

    @needing('start', 'network')
    def watched(inputs):
        seen.append(score(inputs))
        return seen[-1]

    given = {'score': watched, 'start': weights, 'network': model, 'floor': 0.001}
    pruned = prune(weights, mask, sparsity=0.8, **given)
    assert pruned.kept == mask.total - round(mask.total * 0.8)
    silent = {name for name, scores in seen[0].items() if not scores.any()}
    # SynFlow's positive numbers saturate the gates of channel attention.
    assert silent == {n for n in silent if 'attention' in n and isinstance(score, Synflow)}
    assert pruned == prune(weights, mask, sparsity=0.8, **given)


def test_layers_that_cannot_be_differentiated_twice_are_named(network):
    model, weights, mask = network
    layers = 'RoIAlignFunction|aten::hardsigmoid_backward'
    with pytest.raises(ValueError, match=rf"twice \(.*({layers}).* give product='difference'"):
        prune(weights, mask, sparsity=0.8, score=Grasp(), start=weights, network=model)
    heads = {name: weights[name] for name in mask if name.startswith('roi_head.')}
    if heads:  # which come after the layer on regions
        mask = prune(heads, sparsity=0.8, score=Grasp(), start=weights, network=model)
        assert mask.sparsity == pytest.approx(0.8, abs=1e-4)


def test_it_leaves_no_trace_when_it_goes(tmp_path, monkeypatch):
    config = toy_config(tmp_path)
    hub = MessageHub.get_instance('somebody')
    monkeypatch.setattr(torch.distributed, 'is_initialized', lambda: True)
    with ConfigNetwork(config, 0, torch.device('cpu')) as network:
        assert MessageHub.get_current_instance() is hub  # nothing is built yet
        assert network.model is not None
        assert MessageHub.get_current_instance() is not hub
        assert not torch.distributed.is_initialized()
        first = [float(loss) for loss in network.losses(8)]  # an epoch has 6
        assert [float(loss) for loss in network.losses(8)] == first
        assert [float(loss) for loss in network.losses(2)] == first[:2]
        assert len(set(first)) == 8
    assert MessageHub.get_current_instance() is hub
    assert torch.distributed.is_initialized()
