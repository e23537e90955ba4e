"""The examples of docs/en/how_to/python.md run as they stand, one after the other."""

import re

from repository import ROOT

PAGE = ROOT / 'docs/en/how_to/python.md'


def test_the_examples_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r'```python\n(.*?)```', PAGE.read_text(), re.S)
    assert len(blocks) == 7
    namespace: dict = {}
    for block in blocks:
        exec(compile(block, str(PAGE), 'exec'), namespace)  # noqa: S102
    printed = capsys.readouterr().out
    assert '80% sparse: loss' in printed
    assert "{'0.weight': 1024, '2.weight': 64}" in printed
    assert 'of the multiply-adds,' in printed
    assert 'reinitialised: loss' in printed
