"""Time in which the process stood still is neither recorded nor foretold."""

import re
import time
from datetime import timedelta

import pytest
from kit import search_by
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from toy import ITERATIONS_PER_EPOCH, toy_config

from mmlth.engine.machine.running_time import RunningTime

HOUR = 3600.0


class Clock:
    """Goes when it is told to."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(time, 'monotonic', clock)
    return clock


def train(clock, iterations=200, every=50, at=None, asleep=0.0):
    """What is measured of iterations of one second, with 20 before the first and 300 to validate.

    Args:
        clock: Goes on meanwhile.
        iterations: How many.
        every: After how many of them the model is validated and saved.
        at: Where the process stands still: ('begins' or 'ends' or 'validated', iteration).
        asleep: For how many seconds.
    """
    running = RunningTime()
    clock.now += 20

    def mark(place, iteration):
        clock.now += asleep if at == (place, iteration) else 0.0
        running.mark(place)

    for i in range(iterations):
        mark('begins', i)
        clock.now += 1 if i else 90  # compilers and the like
        mark('ends', i)
        if (i + 1) % every == 0:
            mark('validating', i)
            clock.now += 250
            mark('validated', i)
            clock.now += 50
            mark('saved', i)
    return running.seconds


AWAKE = 20 + 90 + 199 + 4 * 300


@pytest.mark.parametrize('place', ['begins', 'ends', 'validated', 'saved', 'validating'])
@pytest.mark.parametrize('asleep', [30.0, 2 * HOUR, 60 * HOUR])
def test_a_gap_is_left_out_wherever_it_is(clock, place, asleep):
    assert train(clock) == AWAKE
    for i in (99, 149, 199):
        within_minutes = place in ('validated', 'saved') and asleep < 10 * 50
        expected = AWAKE + (asleep if within_minutes else 0)
        assert train(clock, at=(place, i), asleep=asleep) == expected


def test_what_usually_takes_long_counts(clock):
    running = RunningTime()
    for _ in range(10):
        clock.now += 500
        running.mark('slow')
    assert running.seconds == 5000
    clock.now += 7 * HOUR  # not over yet
    assert running.seconds == 5000 + 7 * HOUR
    running.mark('slow')
    assert running.seconds == 5500


@HOOKS.register_module(force=True)
class Takes(Hook):
    """An iteration takes a second, a validation a minute; once the process stands still."""

    priority = 'LOWEST'
    clock: Clock

    def before_train_iter(self, runner, *args, **kwargs):
        self.clock.now += 1
        if runner.iter == 9 and runner.work_dir.endswith('round_00'):
            self.clock.now += 10 * HOUR

    def before_val_epoch(self, runner):
        self.clock.now += 60


def test_a_search_that_was_suspended(tmp_path, monkeypatch, clock):
    monkeypatch.setattr(Takes, 'clock', clock, raising=False)
    config = toy_config(tmp_path, log_level='INFO', **{'lottery.rounds': 1})
    config.custom_hooks = [{'type': 'Takes'}]
    rounds = search_by(config)['rounds']
    first, second = (r['seconds'] for r in rounds)
    assert first == 3 * ITERATIONS_PER_EPOCH + 3 * 60
    assert second == 2 * ITERATIONS_PER_EPOCH + 2 * 60
    log = next((tmp_path / 'round_00').glob('*/*.log')).read_text()
    told = re.findall(r'iteration (\d+) of 18, about (.*) left', log)
    assert told
    for _, left in told:
        hours, minutes, seconds = map(int, re.match(r'(\d+):(\d+):(\d+)$', left).groups())
        assert timedelta(hours=hours, minutes=minutes, seconds=seconds) < timedelta(minutes=6)
    assert any(int(done) > 9 for done, _ in told)
