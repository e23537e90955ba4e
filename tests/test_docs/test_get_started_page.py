"""docs/en/get_started.md runs from "Is it there?" to its last command, with few pictures."""

from pathlib import Path

import pytest
from page_blocks import blocks, run_page
from repository import ROOT

from mmlth import load_ticket
from mmlth_cli.main import main

PAGE = ROOT / 'docs/en/get_started.md'
PICTURES, FEW = 'train=200, val=50', 'train=16, val=4'


def test_the_lines_that_it_shows_are_those_of_the_copy(tmp_path, monkeypatch):
    """The two that concern lottery tickets, and no others."""
    monkeypatch.chdir(tmp_path)
    assert main(['configs', 'copy', 'mask_rcnn_tiny_shapes_imp', 'shapes.py']) == 0
    concerned = [
        line
        for line in Path('shapes.py').read_text().splitlines()
        if 'mmlth' in line or 'lottery' in line
    ]
    shown = next(block for language, block in blocks(PAGE.read_text()) if language == 'text')
    assert [line for line in shown.splitlines() if line != '…'] == concerned


@pytest.mark.pages
def test_the_page_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text()
    assert text.count(PICTURES) == 1
    installed = text.index('\n## Is it there?')  # what comes before changes the environment
    assert 'all blocks from [Is it there?](#is-it-there) on' in ' '.join(text[:installed].split())
    run_page(PAGE, text[installed:].replace(PICTURES, FEW))

    printed = capsys.readouterr().out
    assert 'Prunable weights: 99.4% of the 998,770 parameters' in printed
    assert ' objects, ' in printed
    ticket = load_ticket('work_dirs/shapes/tickets/round_03.safetensors')
    assert ticket.mask.sparsity == pytest.approx(0.8, abs=1e-5)
    page = Path('work_dirs/shapes/report/report.html').read_text()
    assert 'random' in page
    assert all(Path(name).stat().st_size for name in ('dense.pth', 'features.onnx', 'features.mnn'))
