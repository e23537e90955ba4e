"""Checkpoints of MMEngine are read whole, and no made-up one runs code or crashes Python."""

import collections
import os
import pickle

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer

from mmlth.engine import LotteryError
from mmlth.engine.checkpoints.loading import load_checkpoint_safely

UNREADABLE = '(cannot be read without running code|is damaged|is empty|is no checkpoint)'


class Call:
    """Pickles as a call with a state."""

    def __init__(self, function, arguments, state=None):
        self.call = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self):
        return self.call


def test_numbers_arrays_and_history_return(tmp_path):
    history = HistoryBuffer([1.0, 2.0], [1, 1])
    saved = {
        'history': history,
        'array': np.arange(6, dtype='>i2').reshape(2, 3),
        'fortran': np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        'flags': np.array([True, False]),
        'number': np.float32(0.1),
        'nested': collections.OrderedDict(a=[(np.int64(3), np.zeros((0, 2)))]),
    }
    torch.save(saved, tmp_path / 'c.pth')
    loaded = load_checkpoint_safely(tmp_path / 'c.pth')
    assert loaded['history'].mean() == history.mean()
    assert [part.tolist() for part in loaded['history'].data] == [[1.0, 2.0], [1.0, 1.0]]
    for name in ('array', 'fortran', 'flags'):
        assert type(loaded[name]) is np.ndarray
        assert loaded[name].dtype == saved[name].dtype.newbyteorder('=')
        assert loaded[name].tolist() == saved[name].tolist()
    assert loaded['number'] == saved['number']
    assert loaded['nested']['a'][0][1].shape == (0, 2)
    torch.save(loaded, tmp_path / 'again.pth')  # as a training that continues does
    assert load_checkpoint_safely(tmp_path / 'again.pth')['array'].tolist() == [
        [0, 1, 2],
        [3, 4, 5],
    ]


RECONSTRUCT = np.zeros(1).__reduce__()[0]
SCALAR = np.float64(1).__reduce__()[0]


@pytest.mark.parametrize(
    'thing',
    [
        Call(os.system, ('true',)),
        Call(np.dtype, ('f8', False, True), (3, '<', 1313754668, -1, -1, 0)),
        Call(np.dtype, ('f8', False, True), (3, '<', None, None, None, 8, 8, 0)),
        Call(np.dtype, ('O', False, True)),
        Call(np.dtype, ('V8', False, True)),
        Call(np.dtype, ([('a', 'f8')],)),
        Call(RECONSTRUCT, (dict, (0,), b'b')),
        Call(RECONSTRUCT, (np.ndarray, (0,), b'b'), (1, (9,), np.dtype('f8'), False, b'short')),
        Call(RECONSTRUCT, (np.ndarray, (0,), b'b'), (1, (-1, 0), np.dtype('f8'), False, b'')),
        Call(RECONSTRUCT, (np.ndarray, (0,), b'b'), (1, (1,), 'f8', False, b'12345678')),
        Call(RECONSTRUCT, (np.ndarray, (0,), b'b'), 3),
        Call(SCALAR, ('f8', b'12345678')),
        Call(SCALAR, (np.dtype('f8'), b'1234')),
        Call(getattr, (HistoryBuffer, '__init__')),
        Call(getattr, (dict, 'update')),
        Call(bytes, (10**9,)),
    ],
    ids=lambda thing: '',
)
def test_what_is_made_up_is_one_line(tmp_path, thing):
    torch.save({'state_dict': {}, 'thing': thing}, tmp_path / 'c.pth')
    with pytest.raises(LotteryError, match=rf'c\.pth {UNREADABLE}') as error:
        load_checkpoint_safely(tmp_path / 'c.pth')
    assert '\n' not in str(error.value)


def test_damaged_files_are_one_line(tmp_path):
    torch.save({'state_dict': {'w': torch.ones(3)}}, tmp_path / 'c.pth')
    whole = (tmp_path / 'c.pth').read_bytes()
    for bad in (b'', b'no checkpoint', whole[:-30], pickle.dumps({'a': 1})[:-3]):
        (tmp_path / 'c.pth').write_bytes(bad)
        with pytest.raises(LotteryError, match=rf'c\.pth {UNREADABLE}'):
            load_checkpoint_safely(tmp_path / 'c.pth')
