"""What the pages on downstream repositories and on controls register can be named in a config."""

import re
from pathlib import Path

import pytest
import torch

from mmlth.engine import parse_settings
from mmlth.engine.settings import build_score
from mmlth.pruning import needs_of, prune
from mmlth.registry import CONTROLS, SCHEDULES, SCORES

DOCS = Path(__file__).parents[2] / 'docs/en/how_to'


@pytest.fixture(scope='module', autouse=True)
def registered():
    registries = (SCORES, SCHEDULES, CONTROLS)
    before = [dict(registry.module_dict) for registry in registries]
    blocks = [
        block
        for page in ('downstream.md', 'controls.md')
        for block in re.findall(r'```python\n(.*?)```', (DOCS / page).read_text(), re.DOTALL)
        if '.register_module(' in block
    ]
    assert len(blocks) == 4
    for block in blocks:
        exec(block, {'__name__': 'page'})  # noqa: S102
    yield
    for registry, members in zip(registries, before):
        registry.module_dict.clear()
        registry.module_dict.update(members)


def test_a_score_with_options_ranks():
    score = build_score({'type': 'squared', 'scale': 2.0})
    kept = prune({'w': torch.tensor([3.0, -4.0, 1.0])}, keep=1, score=score)['w']
    assert kept.tolist() == [False, True, False]


def test_a_score_that_declares_gets_the_start():
    score = build_score('shrunk')
    assert needs_of(score) == {'start'}
    weights, start = {'w': torch.tensor([1.0, 1.0])}, {'w': torch.tensor([1.0, 2.0])}
    assert prune(weights, keep=1, score=score, start=start)['w'].tolist() == [False, True]


def test_a_schedule_plans_the_rounds():
    settings = parse_settings({'target_sparsity': 0.8, 'schedule': {'type': 'falling', 'by': 300}})
    assert settings.kept_per_round({'w': 1000}) == [1000, 700, 400, 200]


def test_a_control_has_options():
    control = {'type': 'first_rows', 'rows': 2}
    assert parse_settings({'branch': {'control': control}}).branch.control == control
