"""The blocks of docs/en/how_to/check.md tell of a search what the page says they tell."""

import re

import torch
from mmengine.runner import Runner
from page_blocks import blocks
from repository import ROOT
from toy import ITERATIONS_PER_EPOCH, toy_config

import mmlth

PAGE = ROOT / 'docs/en/how_to/check.md'


def test_the_page_finds_a_search_in_order(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    python = [block for language, block in blocks(PAGE.read_text()) if language == 'python']
    (hook,) = (block for block in python if 'class WeightsAt' in block)
    exec(compile(hook, str(PAGE), 'exec'), {})  # noqa: S102  # as an import registers it
    config = toy_config('work_dirs/my_search')
    config.custom_hooks = [{'type': 'WeightsAt', 'iteration': ITERATIONS_PER_EPOCH}]
    Runner.from_cfg(config).train()
    mmlth.branch('work_dirs/my_search', 'random')

    capsys.readouterr()
    namespace: dict = {}
    for block in python:
        if block is not hook:
            exec(compile(block, str(PAGE), 'exec'), namespace)  # noqa: S102
    told = capsys.readouterr().out
    assert len(re.findall(r'round \d: (\d+) kept, \1 recorded, 0 came back', told)) == 3
    assert len(re.findall(r'epoch_3\.pth: 0 pruned weights that are not zero', told)) == 3
    assert len(re.findall(r'^(\d+) \1 tickets/', told, re.M)) == 2
    assert len(re.findall(r'starts from m ⊙ θ_k but for \[\]', told)) == 2

    seen = tmp_path / 'work_dirs/my_search/round_01/seen.pt'
    torch.save({name: value + 1 for name, value in torch.load(seen).items()}, seen)
    exec(compile(python[-1], str(PAGE), 'exec'), namespace)  # noqa: S102
    assert "round 1 starts from m ⊙ θ_k but for ['conv.weight'" in capsys.readouterr().out
