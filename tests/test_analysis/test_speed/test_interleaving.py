"""Contenders take turns, so that what disturbs the machine disturbs all of them."""

import itertools

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
def test_each_has_one_turn_a_round_in_an_order_that_is_the_same_each_time(names, rounds):
    order = []

    def turn(name):
        order.append(name)
        return float(len(order))

    samples = interleave({name: lambda name=name: turn(name) for name in names}, rounds)
    for start in range(0, len(order), len(names)):
        assert sorted(order[start : start + len(names)]) == sorted(names)
    assert not samples.failures
    for name in names:
        assert samples.seconds[name] == [i + 1.0 for i, o in enumerate(order) if o == name]
    first, order = order, []
    interleave({name: lambda name=name: turn(name) for name in names}, rounds)
    assert order == first


def test_whoever_comes_before_another_one_does_not_always():
    order = []
    turns = {name: lambda name=name: order.append(name) or 1.0 for name in 'abcdef'}
    interleave(turns, 15)
    for name in 'abcdef':
        before = {one for one, other in itertools.pairwise(order) if other == name}
        assert len(before) > 3


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


@pytest.mark.parametrize('kind', [LotteryError, RuntimeError, MemoryError])
def test_one_that_fails_is_left_out_and_the_others_have_all_their_turns(kind):
    turns = []

    def failing():
        turns.append(None)
        if len(turns) == 3:
            raise kind('its process was ended')
        return 1.0

    samples = interleave({'good': lambda: 4.0, 'bad': failing}, 6)
    assert samples.seconds == {'good': [4.0] * 6}
    assert list(samples.failures) == ['bad']
    assert 'its process was ended' in samples.failures['bad']
    assert len(turns) == 3


def test_other_errors_are_not_hidden():
    def failing():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        interleave({'bad': failing}, 1)
