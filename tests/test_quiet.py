"""What other packages print and warn of is dropped, and errors are not."""

import sys
import warnings

import pytest

from mmlth.quiet import quiet


def test_prints_and_warnings_are_dropped_and_all_is_as_before(capsys, recwarn):
    filters = list(warnings.filters)
    with quiet():
        print('loading annotations into memory')
        warnings.warn('deprecated', stacklevel=1)
        print('an error', file=sys.stderr)
    assert capsys.readouterr() == ('', 'an error\n')
    assert not recwarn.list
    assert warnings.filters == filters


def test_errors_pass(capsys):
    with pytest.raises(ZeroDivisionError), quiet():
        print(1 / 0)
    print('heard again')
    assert capsys.readouterr().out == 'heard again\n'
