"""Which weights S1 and S2 prune, how many a round; which block becomes which at other depths."""

import pytest
import torch
import torchvision
from golden_files import values
from repository import CONFIGS

from mmlth.engine import build_model, parse_settings, read_config
from mmlth.engine.masking import choose_targets
from mmlth.pruning.kept_counts import kept_per_round
from mmlth.ticket.elastic import block_order, other_depth

S1 = values('s1_scopes')
ELASTIC = values('elastic')


@pytest.mark.parametrize('network', S1['coco'])
def test_s1_on_coco(network):
    stored = S1['coco'][network]
    depth = network.split('_')[2]  # mask_rcnn_r50_fpn
    config = read_config(CONFIGS / f'mask_rcnn/mask_rcnn_{depth}_imp.py')
    targets = choose_targets(build_model(config), parse_settings(config.lottery))
    assert {target.name for target in targets} == stored['prunable'].keys()
    assert sum(target.numel for target in targets) == stored['weights']


@pytest.mark.parametrize('network', ['faster_rcnn_r18_c4', 'faster_rcnn_r50_c4'])
def test_s1_on_voc(network):
    stored = S1['voc'][network]
    depth = network.split('_')[2]
    config = read_config(CONFIGS / f'faster_rcnn/faster_rcnn_{depth}_voc_imp.py')
    model = build_model(config)

    def chosen(**targets):
        settings = parse_settings({'targets': targets})
        return {target.name for target in choose_targets(model, settings)}

    for switches, scope in S1['voc']['scope_of_switches'].items():
        if switches[3] == '1' and switches[2] == '0':
            # Theirs goes by parts of names: the head's are in those of the RPN's predictors, too.
            scope = scope.replace('+predictors', '+all_predictors')
        expected = {stored['names'][i] for i in stored['switches'][switches]['prunable']}
        assert chosen(**{**config.lottery.targets, 'scope': scope}) == expected, scope
    assert chosen(**config.lottery.targets) == chosen(scope='s1_voc')


def test_s2_on_resnet50():
    stored = values('s2_resnet50')
    total, kept = stored['total'], stored['kept']
    assert sum(torch.Size(shape).numel() for shape in stored['shapes'].values()) == total
    ours = [round(total * 0.8**r) for r in range(len(kept))]
    assert ours == pytest.approx(kept, abs=1)  # theirs rounds from round to round
    assert kept_per_round(total, 1 - 0.8**18, rate=0.2) == ours[:19]
    model = build_model(read_config('mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py'))
    names = [t.name for t in choose_targets(model, parse_settings({'targets': 's2'}))]
    assert names == [f'backbone.{name}' for name in stored['names']]


@pytest.mark.parametrize('number', range(len(ELASTIC['cases'])))
def test_elastic(number):
    case = ELASTIC['cases'][number]
    stages = zip(ELASTIC['blocks'][case['source']], ELASTIC['blocks'][case['target']])
    orders = [block_order(source, target, case['how']) for source, target in stages]
    assert orders == case['source_block_of_each_target_block']
    # On torch's meta device: names alone matter.
    with torch.device('meta'):
        source, target = (
            torchvision.models.get_model(case[key]).state_dict() for key in ('source', 'target')
        )
    names = other_depth(source, target, case['how'])
    changed = {name: of for name, of in names.items() if name != of}
    assert changed == case['source_tensor_of_each_target_tensor']


def test_the_one_example_of_elastic_lth():
    assert block_order(5, 9, 'interpolate') == ELASTIC['five_to_nine_interpolated']
