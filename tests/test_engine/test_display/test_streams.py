"""What stands in place of the standard streams."""

import errno
import io

import pytest

from mmlth.engine.display.streams import diverted, forgiving


class Closed(io.StringIO):
    """A terminal that has gone."""

    def write(self, text):
        raise OSError(errno.EIO, 'Input/output error')

    flush = None


def test_lines_go_elsewhere_and_afterwards_to_the_stream():
    stream, lines = io.StringIO(), []
    with diverted(stream, lines.append) as other:
        print('one\ntwo', end='', file=other)
        print(' and more\n', file=other)
        other.writelines(['three\n', 'not ended'])
        assert lines == ['one', 'two and more', 'three']
    assert lines[-1] == 'not ended'
    assert stream.getvalue() == ''
    print('later', file=other)  # as a handler does that was made meanwhile
    assert stream.getvalue() == 'later\n'
    assert len(lines) == 4


def test_of_a_line_that_overwrites_itself_the_end_is_kept():
    lines = []
    with diverted(io.StringIO(), lines.append) as other:
        for done in range(1000):
            other.write(f'\r{done} of 999')
        assert len(other._begun) < 20  # however long it goes on
        other.write('\nof windows\r\n')
    assert lines == ['999 of 999', 'of windows']


def test_a_stream_has_what_the_other_has():
    stream = io.TextIOWrapper(io.BytesIO(), encoding='latin-1')
    with diverted(stream, print) as other:
        assert other.encoding == forgiving(other).encoding == 'latin-1'
        assert not other.isatty()


def test_a_terminal_that_has_gone_ends_nothing():
    stream = Closed()
    with pytest.raises(OSError, match='Input/output'):
        print('text', file=stream)
    print('text', file=forgiving(stream))
    stream.flush = lambda: stream.write('')
    forgiving(stream).flush()


def test_letters_that_a_terminal_lacks_are_replaced():
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding='ascii')
    print('sparsity → 80 %', file=forgiving(stream), flush=True)
    assert raw.getvalue() == b'sparsity ? 80 %\n'
