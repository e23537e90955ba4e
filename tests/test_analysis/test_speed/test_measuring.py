"""What is measured is right, and what is not is said to be so."""

import json

import pytest
import torch
from speeds import IMAGE, ROUNDS, SUBJECT, contender, speed

from mmlth.analysis.speed import Contender, absent, from_json, measure, to_json
from mmlth.errors import LotteryError

SECONDS = [0.001 * (i + 1) for i in range(ROUNDS)]


def measured(*contenders, threads=(1,)):
    return measure(SUBJECT, threads, ROUNDS, contenders)


def test_times_are_those_of_the_turns_in_milliseconds():
    (timing,) = measured(contender('a', SECONDS, note='fast'))
    assert timing.milliseconds == pytest.approx([1, 2, 3, 4, 5, 6, 7, 8])
    assert (timing.difference, timing.error, timing.note) == (0.0, None, 'fast')


@pytest.mark.parametrize(('share', 'right'), [(0.9e-3, True), (1.1e-3, False)])
def test_what_computes_something_else_has_no_time(share, right):
    outputs = IMAGE.clone()
    outputs[0, 0, 0, 0] += share * IMAGE.max()
    wrong, good = measured(contender('wrong', SECONDS, [outputs]), contender('good', SECONDS))
    assert wrong.difference == pytest.approx(share, rel=1e-3)
    assert (wrong.error is None) == right == bool(wrong.milliseconds)
    if not right:
        assert wrong.error.startswith('its outputs differ by 0.0011 of their largest number')
    assert len(good.milliseconds) == ROUNDS


@pytest.mark.parametrize(
    'outputs', [[], [IMAGE, IMAGE], [IMAGE[:, :1]], [IMAGE * torch.nan]], ids=len
)
def test_other_outputs_are_an_error_too(outputs):
    (timing,) = measured(contender('wrong', SECONDS, outputs))
    assert timing.error
    assert timing.difference is None  # JSON has no infinity
    assert not timing.milliseconds


def test_one_that_fails_leaves_the_others_theirs():
    def refuse(subject, threads):
        raise RuntimeError('no such\noperator')

    late = [*SECONDS[:3], LotteryError('its process was ended by SIGSEGV')]
    first, second, third = measured(
        Contender('first', refuse), contender('second', late), contender('third', SECONDS)
    )
    assert [t.contender for t in (first, second, third)] == ['first', 'second', 'third']
    assert 'no such' in first.error
    assert '\n' not in first.error
    assert second.error == 'its process was ended by SIGSEGV'
    assert not first.milliseconds
    assert not second.milliseconds
    assert len(third.milliseconds) == ROUNDS


def test_threads_are_those_asked_for_and_afterwards_those_before():
    seen = []
    own = contender('a', SECONDS)

    def ready(subject, threads):
        seen.append((threads, torch.get_num_threads()))
        return own.open(subject, threads)

    before = torch.get_num_threads()
    timings = measured(Contender('a', ready), threads=(1, 2))
    assert seen == [(1, 1), (2, 2)]
    assert torch.get_num_threads() == before
    assert [timing.threads for timing in timings] == [1, 2]


def test_what_is_not_installed_is_told_and_not_measured(monkeypatch):
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    lacking = contender('OpenVINO', SECONDS, package='openvino')
    assert [t.contender for t in measured(lacking, contender('a', SECONDS))] == ['a']
    (sentence,) = absent([lacking, contender('a', SECONDS)]).values()
    assert "pip install 'mmlth[bench]'" in sentence


def test_a_result_is_the_same_after_it_was_written_and_read():
    result = speed()
    assert from_json(json.loads(json.dumps(to_json(result)))) == result
    assert result.threads == (1, 2)
    assert list(result.at(2)) == ['mmlth', 'PyTorch', 'MNN, sparse', 'ONNX Runtime']


@pytest.mark.parametrize('change', ['timings', 'machine', 'load', 'model', None])
def test_another_file_is_no_result(change):
    values = to_json(speed())
    if change is None:
        values['more'] = 1
    else:
        del values[change]
    with pytest.raises(ValueError, match='no result of mmlth bench'):
        from_json(values)
