"""``lottery.progress``: what a search shows, what it keeps off the terminal, and what it leaves."""

import contextlib
import io
import logging
import os
import re
import signal
import sys
import warnings
from pathlib import Path

import pytest
from kit import record, search_by, ticket_bytes
from mmengine.hooks import Hook
from mmengine.logging import MMLogger, print_log
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from screens import screen
from toy import toy_config

import mmlth
from mmlth.engine.display import display, live_display
from mmlth.engine.errors import LotteryError, Preempted
from mmlth.engine.hooks import ProgressHook
from mmlth.engine.machine.preemption import SIGNALS
from mmlth.ticket import load_info


class Terminal(io.StringIO):
    """A terminal that keeps all that is written to it."""

    def isatty(self):
        return True


@HOOKS.register_module(force=True)
class Talk(Hook):
    """What a user's and other packages' code says, once a round."""

    def before_train(self, runner):
        print('printed by a data set')
        print('complained', file=sys.stderr)
        print_log('logged by a package', 'current', logging.WARNING)
        warnings.warn('warned by a package', stacklevel=1)
        runner.logger.warning('warned by a hook\nof the user, round %s', runner.work_dir[-1])
        runner.logger.error('an error')


@HOOKS.register_module(force=True)
class Fail(Hook):
    def after_train_iter(self, runner, *args, **kwargs):
        if runner.work_dir.endswith('round_01') and runner.iter == 8:
            raise ZeroDivisionError('of the user')


def config_of(work_dir, hooks=(), iterations=False, **lottery):
    config = toy_config(work_dir, iterations, log_level='INFO')
    config.lottery.update(progress=True, **lottery)
    if iterations:
        config.lottery.rewind = '4it'
    if hooks:
        config.custom_hooks = [{'type': hook} for hook in hooks]
    return config


@pytest.fixture
def terminal(monkeypatch):
    """A terminal on which each change is drawn."""
    monkeypatch.setenv('TERM', 'xterm')
    monkeypatch.setenv('COLUMNS', '500')  # so that nothing wraps
    monkeypatch.setattr(live_display, '_SECONDS_BETWEEN_PICTURES', 0)
    return Terminal()


def pictures(terminal):
    """All that was written, without colours; what was drawn over included."""
    return re.sub(r'\x1b\[[\d;]*m', '', terminal.getvalue())


def logs(work_dir):
    return ''.join(path.read_text() for path in sorted(Path(work_dir).rglob('*.log')))


def rounds_of(lines):
    return [line for line in lines.splitlines() if re.match(r'\d\d/\d\d [\d:]{8} round', line)]


def test_plain_lines_tell_rounds_epochs_metrics_and_files(tmp_path, capsys):
    search_by(config_of(tmp_path))
    out, err = capsys.readouterr()
    assert not err
    assert 'mmengine' not in out
    accuracies = [entry['metrics']['toy/accuracy'] for entry in record(tmp_path)['rounds']]
    lines = [line[15:] for line in rounds_of(out)]
    assert lines[0] == 'round 0 of 2, sparsity 0.0%: epochs 1 to 3, iterations 1 to 18'
    assert re.fullmatch(
        r'round 0 of 2, sparsity 0.0%, epoch 1 of 3, iteration 6 of 18: accuracy 0\.\d{3}', lines[1]
    )
    assert re.sub(r'\d:\d\d:\d\d', 'TIME', lines[3]) == (
        f'round 0 of 2, sparsity 0.0%, done in TIME: accuracy {accuracies[0]:.3f}'
    )
    assert re.sub(r'\d:\d\d:\d\d', 'TIME', lines[-1]) == (
        f'round 2 of 2, sparsity 75.0%, done in TIME: accuracy {accuracies[2]:.3f} '
        f'(dense {accuracies[0]:.3f})'
    )
    assert len(lines) == 4 + 3 + 3
    table, files = out.split('against round 0')
    assert '75.00%' in table
    assert f'ticket: {tmp_path}/tickets/round_02.safetensors\n' in files
    log = re.search('log: (.*)', files)[1]
    assert Path(log).parent == tmp_path / 'round_02'
    assert list(Path(log).glob('*.log'))


def test_between_events_lines_come_now_and_then(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(display, 'SECONDS_BETWEEN_LINES', 0.0)
    config = config_of(tmp_path, iterations=True, rounds=1)
    search_by(config)
    lines = rounds_of(capsys.readouterr().out)
    assert any('round 1 of 1, sparsity 75.0%: iterations 5 to 18' in line for line in lines)
    told = [line for line in lines if ', iteration 7 of 18, about 0:00:' in line]
    assert len(told) == 2  # once a round, and the time left is known
    assert not any('epoch' in line for line in lines)


def test_a_terminal_draws_it(tmp_path, terminal):
    with contextlib.redirect_stdout(terminal):
        search_by(config_of(tmp_path))
    drawn = pictures(terminal)
    accuracies = [entry['metrics']['toy/accuracy'] for entry in record(tmp_path)['rounds']]
    assert re.search(r'search +━+[━╸╺]* +1 of 3 rounds done, about 0:00:\d\d left', drawn)
    assert re.search(r'round +━+[━╸╺]* +epoch 2 of 3, iteration 8 of 18', drawn)
    assert 'validation, batch 3 of 6' in drawn
    assert re.search(rf'newest +0\.\d{{3}} *\n.*dense +{accuracies[0]:.3f}', drawn)
    # What stays is a line a round, for the events are in the pictures, and the results.
    left = screen(terminal.getvalue())
    kept = [line.split()[:2] for line in left.splitlines()]
    assert kept[:5] == [
        ['search:', 'rounds'],
        *(['round', str(index)] for index in range(3)),
        ['round', 'sparsity'],
    ]
    assert left.count('done in') == 3
    assert re.search('75.00% .*\n.*\nreport: .*\nticket: .*\nlog: ', left, re.DOTALL)
    assert '\x1b[?25' not in terminal.getvalue()  # a kill could not bring the cursor back


def test_a_picture_leaves_room_for_what_is_said_above_it(tmp_path, terminal):
    with contextlib.redirect_stdout(terminal), contextlib.redirect_stderr(terminal):
        search_by(config_of(tmp_path, hooks=['Talk'], rounds=1))
    for text in ('complained', 'warning: warned by a hook of the user, round 0', 'error: an error'):
        assert f'\x1b[2K{text}\n' in pictures(terminal)  # at the start of an empty line


@pytest.mark.filterwarnings('always')
def test_others_are_heard_in_the_log_alone(tmp_path, capsys):
    search_by(config_of(tmp_path, hooks=['Talk']))
    out, err = capsys.readouterr()
    assert err == 'complained\n' * 3
    said = ('printed by a data set', 'logged by a package', 'warned by a package', 'lr:')
    for text in said:
        assert text not in out
        assert logs(tmp_path).count(text) >= 3, text
    for index in range(3):
        assert f'warning: warned by a hook of the user, round {index}\n' in out
    assert out.count('error: an error\n') == 3


def test_warnings_of_mmlth_reach_the_terminal(tmp_path, capsys):
    config = config_of(tmp_path, floor=0, rounds=1, target_sparsity=0.99)
    search_by(config)
    assert re.search('warning: round 1 (prunes every weight|keeps)', capsys.readouterr().out)


def test_afterwards_all_is_as_before(tmp_path, capsys):
    before = MMLogger.callHandlers, warnings.showwarning, sys.stdout
    runner = Runner.from_cfg(config_of(tmp_path, rounds=1))
    runner.train()
    assert (MMLogger.callHandlers, warnings.showwarning, sys.stdout) == before
    capsys.readouterr()
    runner.logger.info('heard again')
    print('printed again')
    out = capsys.readouterr().out
    assert 'heard again' in out
    assert 'printed again' in out


def test_an_error_restores_the_terminal(tmp_path, terminal):
    before = MMLogger.callHandlers, warnings.showwarning, sys.stdout, sys.stderr
    with pytest.raises(ZeroDivisionError), contextlib.redirect_stdout(terminal):
        search_by(config_of(tmp_path, hooks=['Fail']))
    assert (MMLogger.callHandlers, warnings.showwarning, sys.stdout, sys.stderr) == before
    assert screen(terminal.getvalue()).strip().splitlines()[-1].startswith('round 0 of 2')


def test_a_refusal_is_what_it_is_without(tmp_path, capsys):
    with pytest.raises(LotteryError, match='is past the end of training'):
        search_by(config_of(tmp_path, rewind='9ep'))
    assert 'Traceback' not in capsys.readouterr().out


@contextlib.contextmanager
def preempted():
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    with pytest.raises(Preempted):
        yield
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_a_signal_ends_the_display_and_a_resumed_round_goes_on(tmp_path, terminal, monkeypatch):
    original = ProgressHook.before_train_iter

    def end(self, runner, *args, **kwargs):
        if runner.work_dir.endswith('round_01') and runner.iter == 8:
            os.kill(os.getpid(), signal.SIGTERM)
        original(self, runner, *args, **kwargs)

    monkeypatch.setattr(ProgressHook, 'before_train_iter', end)
    with preempted(), contextlib.redirect_stdout(terminal):
        search_by(config_of(tmp_path / 'work'))
    monkeypatch.setattr(ProgressHook, 'before_train_iter', original)
    said = screen(terminal.getvalue()).strip().splitlines()
    assert said[1].startswith('round 0 of 2')
    assert said[2].startswith('warning: asked by a signal to stop: the state after 9')
    assert not any('━' in line for line in said)
    config = config_of(tmp_path / 'work')
    config.resume = True
    with contextlib.redirect_stdout(io.StringIO()) as lines:
        search_by(config)
    assert 'search: rounds 0 to 2, 1 of them done' in lines.getvalue()
    assert 'round 1 of 2, sparsity 50.0%: epochs 2 to 3, iterations 10 to 18' in lines.getvalue()
    undisturbed = toy_config(tmp_path / 'undisturbed')
    search_by(undisturbed)
    assert ticket_bytes(tmp_path / 'work') == ticket_bytes(tmp_path / 'undisturbed')


def test_it_decides_nothing_and_may_change(tmp_path, toy_search):
    with_it = config_of(tmp_path, rounds_per_run=1)
    search_by(with_it)
    without = toy_config(tmp_path, resume=True)
    search_by(without)
    assert ticket_bytes(tmp_path) == ticket_bytes(toy_search)
    assert 'progress' not in record(tmp_path)['config']['lottery']
    info = load_info(tmp_path / 'tickets/round_00.safetensors')
    assert 'progress' not in str(info['config']['lottery'])


def test_rounds_that_are_left_are_said_at_the_end(tmp_path, capsys):
    search_by(config_of(tmp_path, rounds_per_run=1))
    out = capsys.readouterr().out
    assert 'lottery.rounds_per_run=1 allows' in out
    assert f'ticket: {tmp_path}/tickets/round_00.safetensors' in out


@pytest.mark.parametrize(
    ('lottery', 'text'),
    [
        ({'method': {'type': 'rigl', 'every': 2}, 'rounds': None}, 'one training, sparsity 75.0%'),
        ({'round_length': 0.5, 'rounds': 2}, 'round 1 of 2, sparsity 50.0%: epochs 2 to 2'),
        ({'early_bird': {'window': 2, 'distance': 0.9}}, 'round 0 of 2, sparsity 0.0%, done in'),
    ],
    ids=['method', 'short rounds', 'early bird'],
)
def test_other_kinds_of_searches(tmp_path, capsys, lottery, text):
    config = config_of(tmp_path, **lottery)
    config.lottery = {key: value for key, value in config.lottery.items() if value is not None}
    search_by(config)
    assert text in capsys.readouterr().out


def test_a_ticket_alone(tmp_path, toy_search, capsys):
    ticket = toy_search / 'tickets/round_01.safetensors'
    config = config_of(tmp_path, ticket=str(ticket))
    runner = Runner.from_cfg(config)
    hooks = len(runner.hooks)
    runner.train()
    out = capsys.readouterr().out
    assert 'mmengine' not in out
    assert 'ticket round_01.safetensors: epochs 1 to 3, iterations 1 to 18' in out
    assert re.search(r'ticket round_01.safetensors, done: accuracy [01]\.\d{3}\n', out)
    assert f'log: {runner.log_dir}' in out
    assert len(runner.hooks) == hooks + 2  # mask and tickets, as without
    runner.val()


def test_branches(tmp_path, capsys):
    search_by(config_of(tmp_path))
    capsys.readouterr()
    mmlth.branch(tmp_path, 'random', tickets=[1], progress=True)
    out = capsys.readouterr().out
    assert 'mmengine' not in out
    assert re.search(r'round 1 of 1, sparsity 50.0%, done in .*\(dense 0\.', out)
    assert (tmp_path / 'branches/random/tickets/round_01.safetensors').exists()
    with pytest.raises(LotteryError, match='needs a control, or settings that differ'):
        mmlth.branch(tmp_path, progress=True)


def test_without_it_nothing_changes(tmp_path, capsys):
    config = config_of(tmp_path, hooks=['Talk'], rounds=1)
    config.lottery.progress = False
    search_by(config)
    out = capsys.readouterr().out
    assert 'mmengine - INFO - Epoch(train)' in re.sub(r'\x1b\[[\d;]*m', '', out)
    assert 'printed by a data set' in out
    assert 'done in' not in out
    assert 'ticket:' not in out
