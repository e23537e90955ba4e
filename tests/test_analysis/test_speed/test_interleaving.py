"""Contenders take turns, so that what disturbs the machine disturbs all of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmlth.analysis.speed import interleave, speed_up, timed
from mmlth.errors import LotteryError


class Machine:
    """A machine whose clock tells the work that was done on it; it can become slower."""

    def __init__(self):
        self.now, self.slowness = 0.0, 1.0

    def work(self, seconds):
        self.now += self.slowness * seconds

    def clock(self):
        return self.now


@given(st.lists(st.sampled_from('abcdef'), min_size=1, unique=True), st.integers(1, 9))
def test_each_has_one_turn_a_round_and_every_second_round_goes_backwards(names, rounds):
    order = []

    def turn(name):
        order.append(name)
        return float(len(order))

    samples = interleave({name: lambda name=name: turn(name) for name in names}, rounds)
    expected = [name for n in range(rounds) for name in (names if n % 2 == 0 else names[::-1])]
    assert order == expected
    assert not samples.failures
    for name in names:
        assert samples.seconds[name] == [i + 1.0 for i, o in enumerate(expected) if o == name]


def test_a_machine_that_is_busy_for_a_while_changes_no_ratio():
    machine = Machine()

    def turn(seconds):
        return lambda: timed(lambda: machine.work(seconds), machine.clock)

    def disturb(number):
        machine.slowness = 7.0 if number >= 4 else 1.0

    samples = interleave({'fast': turn(1.0), 'slow': turn(3.0)}, 9, disturb)
    assert samples.seconds['slow'] == [3.0] * 4 + [21.0] * 5
    assert speed_up(samples.seconds['slow'], samples.seconds['fast']) == (3.0, 3.0, 3.0)


def test_the_run_that_warms_the_caches_is_not_measured():
    machine, costs = Machine(), iter([100.0, 2.0, 50.0, 3.0])

    def run():
        machine.work(next(costs))

    assert [timed(run, machine.clock), timed(run, machine.clock)] == [2.0, 3.0]


def test_one_that_fails_is_left_out_and_the_others_have_all_their_turns():
    turns = []

    def failing():
        turns.append(None)
        if len(turns) == 3:
            raise LotteryError('its process was ended')
        return 1.0

    samples = interleave({'good': lambda: 4.0, 'bad': failing}, 6)
    assert samples.seconds == {'good': [4.0] * 6}
    assert samples.failures == {'bad': 'its process was ended'}
    assert len(turns) == 3


def test_other_errors_are_not_hidden():
    def failing():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        interleave({'bad': failing}, 1)
