"""The curves of a search: read from MMEngine's logs, as a section, as a picture, as CSV."""

import csv
import json

import pytest
from kit import record
from mmengine.runner import Runner
from rich.console import Console
from toy import toy_config

from mmlth.engine.search.run import run_search
from mmlth.report.convergence.convergence_table import write_convergence_csv
from mmlth.report.convergence.curves import read_curves
from mmlth.report.convergence.runs import read_runs
from mmlth.report.convergence.section import convergence_section
from mmlth.report.page.section import Details, Figure
from mmlth.report.searches import read_search, read_searches

AP = 'coco/bbox_mAP'


def train(iteration, epoch=None, loss=1.0):
    told = {'lr': 0.1, 'loss': loss, 'iter': iteration, 'step': iteration}
    return told if epoch is None else {**told, 'epoch': epoch}


def val(step, value, loss=None):
    lines = [] if loss is None else [{'val/loss': loss, 'val/loss_cls': loss / 2, 'step': step}]
    return [*lines, {AP: value, 'data_time': 0.1, 'time': 0.2, 'step': step}]


@pytest.fixture
def search(tmp_path, make_round):
    """Writes a search from the lines that each attempt at each of its rounds logged."""

    def write(*rounds, to=tmp_path, branch=None, of_round=None):
        records = [make_round(n, 1000 // (n + 1), {AP: 0.5}) for n in range(len(rounds))]
        if of_round is not None:
            records[-1]['of_round'] = of_round
        to.mkdir(parents=True, exist_ok=True)
        (to / 'search.json').write_text(json.dumps({'rounds': records, 'branch': branch}))
        for number, attempts in enumerate(rounds):
            for attempt, lines in enumerate(attempts):
                folder = to / f'round_{number:02d}/20260101_00000{attempt}/vis_data'
                folder.mkdir(parents=True)
                told = '\n'.join(
                    each if isinstance(each, str) else json.dumps(each) for each in lines
                )
                (folder / 'scalars.json').write_text(told)
        return to

    return write


def dense(with_loss=True, values=(0.2, 0.46, 0.5)):
    lines = [{'lottery/round': 0, 'step': 0}]
    for epoch, (value, loss) in enumerate(zip(values, (2.0, 1.05, 1.0)), 1):
        lines += [train(10 * epoch - 5, epoch, 4.0 - epoch), train(10 * epoch, epoch, 3.0 - epoch)]
        lines += val(epoch, value, loss if with_loss else None)
    return lines


def ticket(first=0.4, last=0.48):
    lines = [train(20, 2), *val(2, first, 1.5), train(30, 3), *val(3, last, 1.2)]
    return [*lines, {'lottery/mask_iou': 0.9, 'step': 30}]


def test_curves_are_told_by_round(search):
    curves = read_curves(read_search(search([dense()], [ticket()])))
    assert curves.unit == 'epochs'
    assert curves.names == ['train/loss', 'val/loss', 'val/loss_cls', AP]
    first, second = curves.rounds
    assert first.points == {
        'train/loss': [(1, 2.5), (2, 1.5), (3, 0.5)],
        'val/loss': [(1, 2.0), (2, 1.05), (3, 1.0)],
        'val/loss_cls': [(1, 1.0), (2, 0.525), (3, 0.5)],
        AP: [(1, 0.2), (2, 0.46), (3, 0.5)],
    }
    assert second.points[AP] == [(2, 0.4), (3, 0.48)]
    assert (second.index, second.sparsity) == (1, 0.5)


def test_attempts_are_joined_and_later_ones_count(search):
    """The first was killed as it wrote; the second makes up for a validation to begin with."""
    repeated = [*val(2, 0.3), train(25, 3, 9.0), train(30, 3, 9.0), '{"coco/bbo']
    killed = [*dense()[:7], *repeated]
    resumed = [*val(2, 0.46), train(25, 3, 1.0), train(30, 3, 0.0), *val(3, 0.5)]
    first = read_curves(read_search(search([killed, resumed]))).rounds[0]
    assert first.points[AP] == [(1, 0.2), (2, 0.46), (3, 0.5)]
    assert first.points['train/loss'] == [(1, 2.5), (2, 1.5), (3, 0.5)]


@pytest.mark.parametrize('epoch', [None, 1], ids=['', 'by_epoch'])
@pytest.mark.parametrize('steps', [(25, 50), (0, 0), (1, 2)], ids=['iter', 'none', 'epoch'])
def test_loops_without_epochs_are_counted_in_iterations(search, epoch, steps):
    """However MMEngine is told to count the steps of validations."""
    lines = [train(25, epoch), *val(steps[0], 0.2), train(50, epoch), *val(steps[1], 0.3)]
    curves = read_curves(read_search(search([lines])))
    assert curves.unit == 'iterations'
    assert curves.rounds[0].points[AP] == [(25, 0.2), (50, 0.3)]


def test_prefixes_of_a_log_with_hierarchy_are_left_out(search):
    lines = []
    for epoch in (1, 2):
        lines += [{'train/loss': 1.0, 'iter': epoch, 'epoch': epoch, 'step': epoch}]
        lines += [{f'val/{AP}': 0.1 * epoch, 'step': epoch}]
    assert read_curves(read_search(search([lines]))).rounds[0].points == {
        'train/loss': [(1, 1.0), (2, 1.0)],
        AP: [(1, 0.1), (2, 0.2)],
    }


def test_what_was_not_measured_is_left_out(search):
    lines = [
        train(1, 1),
        *val(1, -1),
        train(2, 2),
        *val(2, float('nan')),
        train(3, 3),
        *val(3, 0.4),
    ]
    assert read_curves(read_search(search([lines]))).rounds[0].points[AP] == [(3, 0.4)]


def test_a_branch_has_the_dense_round_of_its_search(search, tmp_path):
    branch = search([dense()], [ticket()]) / 'branches/random'
    branch.mkdir(parents=True)
    (branch / 'search.json').write_text((tmp_path / 'search.json').read_text())
    curves = read_curves(read_search(branch))
    assert curves.dense(AP) == [(1, 0.2), (2, 0.46), (3, 0.5)]
    assert not curves.rounds[1].points


def text_of(part):
    console = Console(width=100)
    with console.capture() as capture:
        console.print(part)
    return capture.get()


def test_the_section_tells_when_shares_are_reached(search, tmp_path, drawn):
    section = convergence_section(read_searches([search([dense()], [ticket()])]))
    text, figure, metric, loss, _ = section.parts
    assert 'rewind step' in text
    assert 'validation_loss=True' not in text
    assert [row.split() for row in text_of(metric).splitlines()[2:4]] == [
        ['0', '0.00%', '2', '3', '3', '0.5000'],
        ['1', '50.00%', '3', '3', '–', '0.4800'],
    ]
    assert [row.split() for row in text_of(loss).splitlines()[2:4]] == [
        ['0', '0.00%', '2', '2', '3', '1.0000'],
        ['1', '50.00%', '–', '–', '–', '1.2000'],
    ]
    assert isinstance(figure, Figure)
    assert AP in figure.alternative
    for suffix in ('png', 'svg'):
        figure.draw(tmp_path / f'curves.{suffix}')
    assert '<svg' in (tmp_path / 'curves.svg').read_text()
    shown, losses = drawn[0].axes
    assert (shown.get_ylabel(), shown.get_xlabel()) == (AP, 'epochs')
    assert losses.get_ylabel() == 'validation loss'
    assert all(at == round(at) for at in shown.get_xticks())  # of three epochs
    first, second, end = shown.lines
    assert (first.get_label(), second.get_label()) == ('dense', '50.00%')
    assert first.get_xydata().tolist() == [[1, 0.2], [2, 0.46], [3, 0.5]]
    assert second.get_xydata().tolist() == [[2, 0.4], [3, 0.48]]
    assert list(end.get_ydata()) == [0.5, 0.5]


def test_without_a_validation_loss_the_section_shows_that_of_training(search):
    text, figure, _metric, _ = convergence_section(
        read_searches([search([dense(with_loss=False)])])
    ).parts
    assert 'lottery.validation_loss=True' in text
    assert 'training loss' in figure.caption


@pytest.mark.parametrize(
    'rounds', [[], [[[]]], [[[train(10, 1), train(30, 3), *val(3, 0.5, 1.0)]], [[]]]]
)
def test_there_is_no_section_where_nothing_was_validated_twice(search, rounds):
    assert convergence_section(read_searches([search(*rounds)])) is None


def test_the_csv_has_a_row_each_round_and_position(search, tmp_path):
    path = tmp_path / 'convergence.csv'
    folder = search([dense(with_loss=False)], [ticket()])
    search([], [ticket()], to=folder / 'branches/random', branch={'label': 'by chance'})
    write_convergence_csv(read_runs(read_searches([folder])), path)
    header, *rows = csv.reader(path.open())
    assert header[:5] == ['search', 'branch', 'round', 'sparsity', 'epochs']
    assert header[5:] == ['train/loss', 'val/loss', 'val/loss_cls', AP]
    assert rows[0] == [folder.name, '', '0', '0.0', '1.0', '2.5', '', '', '0.2']
    last = ['1', '0.5', '3.0', '1.0', '1.2', '0.6', '0.48']
    assert rows[4] == [folder.name, '', *last]
    assert rows[-1] == [folder.name, 'by chance', *last]
    assert len(rows) == 3 + 2 + 2  # the dense round, which both share, stands there once


@pytest.fixture
def seeds(search, tmp_path):
    """Three searches: the last has done its dense round alone; of two a control changes round 2."""
    dense_values = (0.2, 0.46, 0.5), (0.1, 0.2, 0.4), (0.1, 0.5, 0.6)
    own = ([ticket(0.44, 0.48)],), ([ticket(0.39, 0.41)],), ()
    folders = []
    for seed, (values, rounds) in enumerate(zip(dense_values, own)):
        folder = search([dense(False, values)], *rounds, to=tmp_path / f'seed_{seed}')
        folders.append(folder)
    for folder, value in zip(folders, (0.30, 0.38)):
        told = {'to': folder / 'branches/random', 'branch': {'label': None}, 'of_round': 2}
        search([], [ticket(0.1, value)], **told)
    return folders


def test_searches_are_measured_each_against_its_own_dense_model(seeds):
    table = convergence_section(read_searches(seeds)).parts[2]
    rows = [[str(cell) for cell in column.cells] for column in table.columns]
    assert list(zip(*rows)) == [
        # 90 % of 0.5, 0.4 and 0.6 are first found in epochs 2, 3 and 3: 2.7 ± √(2/3 / 2) = 0.6
        ('0', '0.00%', '2.7 ± 0.6', '3.0 ± 0.0', '3.0 ± 0.0', '0.5000 ± 0.1000'),
        # 0.45 and 0.36 in 3 and 2; 0.475 and 0.38 in 3 and 2; 0.495 never and 0.396 in 3.
        ('1', '50.00%', '2.5 ± 0.7', '2.5 ± 0.7', '1 of 2: 3.0', '2 of 3: 0.4450 ± 0.0495'),
        # 0.38 is 95 % of the second's 0.4; the first's 0.3 is less than 90 % of 0.5.
        ('random: 2', '50.00%', *['1 of 2: 3.0'] * 2, '–', '2 of 3: 0.3400 ± 0.0566'),
    ]
    assert 'its own dense model' in table.caption


def test_searches_are_drawn_thin_and_their_mean_thick(seeds, tmp_path, drawn):
    figure = convergence_section(read_searches(seeds)).parts[1]
    assert '3 searches; thick: their mean' in figure.caption
    figure.draw(tmp_path / 'curves.png')
    lines = drawn[0].axes[0].lines
    thin = [line for line in lines if line.get_linewidth() < 1]
    assert len(thin) == 3 + 2
    means = {line.get_label(): line for line in lines if not line.get_label().startswith('_')}
    assert means['dense'].get_ydata().tolist() == pytest.approx([0.4 / 3, 1.16 / 3, 0.5])
    assert means['50.00%'].get_ydata().tolist() == pytest.approx([0.415, 0.445])
    assert means['50.00%'].get_color() == thin[-1].get_color()


def test_means_are_taken_where_all_searches_have_a_point(search, tmp_path, drawn):
    shorter = [train(20, 2), *val(2, 0.2), train(25, 3)]
    folders = [
        search([dense(False)], [lines], to=tmp_path / name)
        for name, lines in (('a', ticket(0.4, 0.48)), ('b', shorter))
    ]
    convergence_section(read_searches(folders)).parts[1].draw(tmp_path / 'curves.png')
    (mean,) = [line for line in drawn[0].axes[0].lines if line.get_label() == '50.00%']
    assert mean.get_xydata().tolist() == [[2, pytest.approx(0.3)]]


def test_many_rows_of_branches_are_hidden(seeds, search):
    for number in range(10):
        search([], [ticket()], to=seeds[0] / f'branches/{number}', branch={'label': None})
    _, _, own, hidden, *_ = convergence_section(read_searches(seeds)).parts
    assert own.row_count == 2
    assert isinstance(hidden, Details)
    assert hidden.summary == f'Branches, {AP}'
    assert hidden.part.row_count == 10 + 1


def test_epochs_and_iterations_are_not_mixed(seeds, search, tmp_path):
    other = [train(25), *val(25, 0.2), train(50), *val(50, 0.3)]
    begun = search(to=tmp_path / 'begun')
    folder = search([other], to=tmp_path / 'iterations')
    text, _, table, *_ = convergence_section(read_searches([begun, *seeds, folder])).parts
    assert 'Left out, since they do not count epochs: iterations.' in text
    assert str(next(iter(table.columns[-1].cells))) == '0.5000 ± 0.1000'


def test_a_real_search_has_curves(tmp_path):
    config = toy_config(tmp_path)
    config.lottery.validation_loss = True
    runner = Runner.from_cfg(config)
    run_search(runner, runner.train.settings, lambda *_: None)  # without reports
    curves = read_curves(read_search(tmp_path))
    assert curves.unit == 'epochs'
    assert curves.names == ['train/loss', 'val/loss', 'toy/accuracy']
    for round_ in curves.rounds:
        epochs = [2, 3] if round_.index else [1, 2, 3]
        for name in curves.names:
            assert [at for at, _ in round_.points[name]] == epochs
    state = record(tmp_path)
    ends = [round_.points['toy/accuracy'][-1][1] for round_ in curves.rounds]
    assert ends == [each['metrics']['toy/accuracy'] for each in state['rounds']]
    assert convergence_section(read_searches([tmp_path])) is not None


def test_small_losses_keep_their_digits(search):
    """A heatmap's loss is 0.002; a metric of 1 and more has four decimals as well."""

    def last(value, loss):
        return [[train(10, 1), *val(1, 0.01, 0.1), train(20, 2), *val(2, value, loss)]]

    section = convergence_section(
        read_searches([search(last(0.05, 0.0020731), last(12.5, 0.0018))])
    )
    *_, metric, loss, _ = section.parts
    assert [str(cell) for cell in metric.columns[-1].cells] == ['0.0500', '12.5000']
    assert [str(cell) for cell in loss.columns[-1].cells] == ['0.002073', '0.001800']
