"""``mmlth analyze`` and ``mmlth report`` on what the tickets of a real search predict."""

import importlib.util
import re

import html5lib
import pytest
from browser import browse, needs_chromium
from kit import csv_rows, record, shapes_options
from mmengine.config import Config
from repository import DEMO

import mmlth
from mmlth import Ticket, load_ticket, save_ticket
from mmlth.data import make_shapes
from mmlth_cli.main import main

pytestmark = pytest.mark.pages


@pytest.fixture(scope='module')
def searched(tmp_path_factory):
    """The folder of a search, with the data beside it."""
    root = tmp_path_factory.mktemp('shapes')
    make_shapes(root, train=8, val=4)
    options = {
        **shapes_options(root),
        'train_cfg.max_epochs': 2,
        'train_cfg.val_interval': 1,
    }
    work_dir = root / 'work'
    mmlth.search(DEMO, work_dir=work_dir, cfg_options=options, rounds=2)
    return work_dir


def config_of(searched):
    (path,) = searched.glob('*.py')
    return str(path)


def tickets(searched, *rounds):
    return [str(searched / f'tickets/round_{number:02}.safetensors') for number in rounds]


def average_precisions(path):
    """By kind and model, of all objects."""
    return {
        (row['kind'], row['model']): float(row['ap'])
        for row in csv_rows(path)
        if row['by'] == 'all'
    }


def analyze(*arguments):
    return main(['analyze', *map(str, arguments)])


def test_report_has_analyses_and_is_valid(searched, capsys):
    assert main(['report', str(searched)]) == 0
    assert capsys.readouterr().err == ''
    report = searched / 'report'
    page = (report / 'report.html').read_text()
    titles = re.findall(r'<h2 id="[^"]*">([^<]*)</h2>', page)
    assert titles == [
        *('Answer', 'Layers', 'Masks', 'Convergence', 'Attributes', 'Errors', 'Samples', 'Cost'),
        'Settings and provenance',
    ]
    parser = html5lib.HTMLParser()
    parser.parse(page)
    assert not parser.errors
    ids = re.findall(r' id="([^"]*)"', page)
    assert len(set(ids)) == len(ids)
    assert set(re.findall(r' href="#([^"]*)"', page)) <= set(ids)
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)
    assert all(re.findall(r'<img [^>]*alt="([^"]*)"', page))
    linked = re.findall(r'\]\(([^)]*)\)', (report / 'report.md').read_text())
    assert linked
    assert all((report / name).is_file() for name in linked)
    state = record(searched)
    result = average_precisions(report / 'attributes.csv')
    dense = state['rounds'][0]['metrics']
    for kind in ('bbox', 'segm'):
        assert result[kind, 'dense'] == pytest.approx(dense[f'coco/{kind}_mAP'], abs=6e-4)


@needs_chromium
@pytest.mark.parametrize('width', [1280, 390])
def test_report_in_a_browser(searched, width):
    page = searched / 'report/report.html'
    if not (page.parent / 'attributes.csv').exists():
        assert main(['report', str(searched)]) == 0
    told, errors = browse(page, '--window-size=1400,900', width=width)
    assert len(told['images']) > 12 + 8  # four samples of three photos each, and the plots
    assert all(all(image) for image in told['images'])
    assert 'CONSOLE' not in errors
    assert not told['requests']
    assert told['overflow'] <= 0


def test_report_without_predictions(searched, tmp_path):
    assert main(['report', str(searched), '--no-predictions', '--out', str(tmp_path)]) == 0
    assert not (tmp_path / 'attributes.csv').exists()
    assert not (tmp_path / 'predictions').exists()


def test_report_goes_on_where_predictions_cannot_be_analysed(searched, tmp_path, capsys):
    work_dir = tmp_path / 'work'
    (work_dir / 'tickets').mkdir(parents=True)
    (work_dir / 'search.json').write_bytes((searched / 'search.json').read_bytes())
    assert main(['report', str(work_dir)]) == 0
    told = capsys.readouterr().err
    assert told.startswith('mmlth: predictions are not analysed: ')
    assert told.removeprefix('mmlth: predictions are not analysed: ').strip() in (
        work_dir / 'report/report.md'
    ).read_text().replace('\\*', '*')


def test_analyze_any_models(searched, tmp_path, capsys):
    names = ['--names', 'before', 'after', '--work-dir', tmp_path]
    assert analyze(config_of(searched), *tickets(searched, 0, 2), *names) == 0
    printed = capsys.readouterr().out
    assert 'before' in printed
    assert printed.splitlines()[-1] == f'report: {tmp_path / "report.html"}'
    result = average_precisions(tmp_path / 'attributes.csv')
    assert set(result) == {
        (kind, name) for kind in ('bbox', 'segm') for name in ('before', 'after')
    }
    assert {row['model'] for row in csv_rows(tmp_path / 'errors.csv')} == {'before', 'after'}
    kept = sorted((tmp_path / 'predictions').glob('*.zst'))
    assert len(kept) == 3  # the ground truth, and of each model what it finds
    times = [path.stat().st_mtime_ns for path in kept]
    assert analyze(config_of(searched), *tickets(searched, 0, 2), *names) == 0
    assert [path.stat().st_mtime_ns for path in kept] == times


def test_an_analysis_that_cannot_be_leaves_the_others(searched, tmp_path, capsys, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, 'find_spec', lambda n, *r: None if n == 'tidecv' else find(n, *r)
    )
    assert analyze(config_of(searched), *tickets(searched, 0), '--work-dir', tmp_path) == 0
    told = capsys.readouterr().err
    assert told.startswith('mmlth: Errors are not analysed: TIDE needs the package tidecv')
    assert len(told.splitlines()) == 1
    assert (tmp_path / 'attributes.csv').exists()
    assert not (tmp_path / 'errors.csv').exists()
    assert 'Not analysed: TIDE needs the package tidecv' in (tmp_path / 'report.md').read_text()


def test_models_are_named_by_their_files(searched, tmp_path):
    assert analyze(config_of(searched), *tickets(searched, 1), '--work-dir', tmp_path) == 0
    assert {row['model'] for row in csv_rows(tmp_path / 'attributes.csv')} == {'round_01'}


def other_classes(searched, folder):
    ticket = load_ticket(tickets(searched, 1)[0])
    meta = {**ticket.info['dataset_meta'], 'classes': ('cat', 'dog', 'bird')}
    save_ticket(
        Ticket(ticket.mask, ticket.weights, {**ticket.info, 'dataset_meta': meta}),
        folder / 'other.safetensors',
    )
    return [folder / 'other.safetensors']


@pytest.mark.parametrize(
    ('models', 'options', 'message'),
    [
        (lambda s, _: tickets(s, 0, 2), ['--names', 'one'], 'a name of its own for each of the 2'),
        (
            lambda s, _: tickets(s, 0, 2),
            ['--names', 'a', 'a'],
            'a name of its own for each of the 2',
        ),
        (lambda s, _: tickets(s, 7), [], 'round_07.safetensors'),
        (
            lambda s, _: tickets(s, 0),
            ['--split', 'test', '--cfg-options', 'test_dataloader.dataset.ann_file=absent.json'],
            'test_dataloader.dataset.ann_file does not exist',
        ),
        (
            lambda s, _: tickets(s, 0),
            ['--split', 'test', '--cfg-options', 'test_evaluator=None'],
            "or choose --split val (split='val')",
        ),
        (other_classes, [], 'trained on the classes cat, dog, bird, but the data set has'),
        (
            lambda s, _: tickets(s, 0),
            ['--cfg-options', 'model.test_cfg.rcnn.score_thr=1.1'],
            'round_00 predicts nothing',
        ),
        (
            lambda s, _: tickets(s, 0),
            [
                '--cfg-options',
                'model.roi_head.mask_head=None',
                'model.roi_head.mask_roi_extractor=None',
                'val_evaluator.metric=bbox',
            ],
            'the weights are of another model',
        ),
    ],
)
def test_errors_are_one_line(searched, tmp_path, capsys, models, options, message):
    folder = tmp_path / 'analyses'
    config = config_of(searched)
    code = analyze(config, *models(searched, tmp_path), '--work-dir', folder, *options)
    told = capsys.readouterr().err
    assert code == 1
    assert message in told
    assert told.startswith('mmlth: ')
    assert len(told.splitlines()) == 1
    assert not list(folder.glob('report*'))


def test_masks_and_cost_of_any_models(searched, tmp_path, capsys):
    """A checkpoint, a ticket of one search, and one whose mask is of the backbone alone."""
    checkpoint = next((searched / 'round_00').glob('epoch_2.pth'))
    ticket = load_ticket(tickets(searched, 2)[0])
    part = mmlth.Mask({n: kept for n, kept in ticket.mask.items() if n.startswith('backbone')})
    save_ticket(Ticket(part, ticket.weights, {}), tmp_path / 'backbone.safetensors')
    models = [checkpoint, *tickets(searched, 2), tmp_path / 'backbone.safetensors']
    assert analyze(config_of(searched), *models, '--work-dir', tmp_path / 'page') == 0
    kept = {}
    for row in csv_rows(tmp_path / 'page/layers.csv'):
        kept[row['ticket'], row['layer']] = int(row['kept']), int(row['weights'])
    for name, mask in ticket.mask.items():
        whole, own = mask.numel(), int(mask.sum())
        assert kept['epoch_2', name] == (whole, whole)
        assert kept['round_02', name] == (own, whole)
        assert kept['backbone', name] == (own if name in part else whole, whole)
    ious = {
        (r['first'], r['second']): float(r['iou'])
        for r in csv_rows(tmp_path / 'page/mask_similarity.csv')
    }
    assert ious['epoch_2', 'round_02'] == pytest.approx(ticket.mask.density)  # one holds the other
    costs = csv_rows(tmp_path / 'page/cost.csv')
    assert len(costs) == 3
    assert costs[0]['dense_macs'] == costs[0]['sparse_macs'] == costs[1]['dense_macs']
    assert (
        int(costs[1]['sparse_macs']) < int(costs[2]['sparse_macs']) < int(costs[0]['sparse_macs'])
    )
    state = record(searched)
    assert float(costs[1]['coco/bbox_mAP']) == state['rounds'][2]['metrics']['coco/bbox_mAP']


def test_dense_models_have_no_masks(searched, tmp_path):
    checkpoint = next((searched / 'round_00').glob('epoch_2.pth'))
    assert analyze(config_of(searched), checkpoint, '--work-dir', tmp_path) == 0
    assert not (tmp_path / 'tickets').exists()
    assert '## Masks' not in (tmp_path / 'report.md').read_text()


def test_the_test_split_is_predicted(searched, tmp_path):
    config = Config.fromfile(config_of(searched))
    config.merge_from_dict(
        {'test_cfg': {'type': 'TestLoop'}, 'test_dataloader': config.val_dataloader}
    )
    config.test_evaluator = config.val_evaluator
    config.dump(tmp_path / 'tested.py')
    code = analyze(
        tmp_path / 'tested.py',
        *tickets(searched, 0),
        *('--work-dir', tmp_path / 'analyses', '--split', 'test'),
    )
    assert code == 0
    assert (tmp_path / 'analyses/report.html').is_file()
