"""docs/en/get_started.md runs from its first command to the last, with few pictures."""

from pathlib import Path

import pytest
from page_blocks import run_page
from repository import ROOT

from mmlth import load_ticket

PAGE = ROOT / 'docs/en/get_started.md'
PICTURES, FEW = 'train=200, val=50', 'train=16, val=4'


@pytest.mark.pages
def test_the_page_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text()
    assert text.count(PICTURES) == 1
    installed = text.index('\n## Is it there?')  # what comes before changes the environment
    run_page(PAGE, text[installed:].replace(PICTURES, FEW))

    printed = capsys.readouterr().out
    assert 'Prunable weights: 99.4% of the 998,770 parameters' in printed
    assert ' objects, ' in printed
    ticket = load_ticket('work_dirs/shapes/tickets/round_03.safetensors')
    assert ticket.mask.sparsity == pytest.approx(0.8, abs=1e-5)
    page = Path('work_dirs/shapes/report/report.html').read_text()
    assert 'random' in page
    assert all(Path(name).stat().st_size for name in ('dense.pth', 'features.onnx', 'features.mnn'))
