import json
from pathlib import Path

import pytest

from mmlth.report.searches import Round, read_rounds
from mmlth.report.writing import print_results, write_report


@pytest.fixture
def work_dir(search: list[Round], tmp_path: Path) -> Path:
    folder = tmp_path / ('work_dir of a long name ' + 60 * '[x]')
    folder.mkdir()
    (folder / 'search.json').write_text(json.dumps({'state': {}, 'rounds': search}))
    return folder


def test_writes_page_numbers_and_picture(work_dir: Path) -> None:
    page = write_report([work_dir])
    assert page == work_dir / 'report' / 'report.html'
    names = sorted(path.name for path in page.parent.iterdir())
    assert names == ['accuracy.png', 'accuracy.svg', 'report.html', 'report.md', 'results.csv']
    assert len((work_dir / 'report' / 'results.csv').read_text().splitlines()) == 5


def test_writing_again_gives_the_same_bytes(work_dir: Path) -> None:
    def contents() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in write_report([work_dir]).parent.iterdir()}

    assert contents() == contents()


def test_prints_table_and_path_of_the_page(
    work_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = write_report([work_dir])
    print_results(work_dir, page)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split()[:3] == ['round', 'sparsity', 'network']
    assert printed[-1] == f'report: {page}'  # in one line, however long, to be copied


def test_a_log_file_gets_one_line_a_round(
    work_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ['coco/bbox_mAP', 'coco/bbox_mAP_50', 'coco/segm_mAP', 'coco/segm_mAP_50']
    rounds = read_rounds(work_dir)
    for round_ in rounds:
        round_['metrics'] = dict.fromkeys(names, 0.3)
    (work_dir / 'search.json').write_text(json.dumps({'rounds': rounds}))
    monkeypatch.delenv('COLUMNS', raising=False)
    print_results(work_dir)
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed[2:6]] == ['0', '1', '2', '3']
    assert '\x1b' not in ''.join(printed)


def test_names_the_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r'search\.json not found'):
        write_report([tmp_path])


@pytest.mark.parametrize('text', ['', '{', '[]', '{}', '{"rounds": {}}', '\udcff'])
def test_names_the_file_that_is_no_search(tmp_path: Path, text: str) -> None:
    (tmp_path / 'search.json').write_bytes(text.encode(errors='surrogateescape'))
    with pytest.raises(ValueError, match=r'search\.json does not record a search'):
        write_report([tmp_path])
