"""The ticket file by itself: what ticket-format.md says, and files that break it."""

import copy
import itertools
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
import zstandard
from safetensors.torch import load_file, save_file

from mmlth import Mask, Ticket, load_ticket, save_ticket
from mmlth.pruning import masked
from mmlth.ticket import (
    DamagedTicketError,
    NotATicketError,
    TicketError,
    TicketTooLargeError,
    TicketVersionError,
    save_tensors,
)

GOLDEN = Path(__file__).parent / 'golden'


def sample() -> Ticket:
    """Survivors that are zero, every kind of tensor, numbers that need no generator."""
    w = torch.arange(-12, 12, dtype=torch.float32).reshape(2, 3, 2, 2) / 8
    kept = torch.arange(24).reshape(w.shape) % 3 == 0
    kept[0, 0, 0, 0], kept[1, 0, 0, 0] = True, True  # the second is zero, and survives
    few = torch.zeros(30, 40, dtype=torch.bool)
    few.view(-1)[[3, 4, 300, 555, 1199]] = True  # so few that gaps are shorter than bits
    mask = Mask({'conv.weight': kept, 'sparse.weight': few})
    weights = {
        'conv.weight': w,
        'conv.bias': torch.tensor([0.5, -0.0]),
        'half': torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
        'steps': torch.tensor(7),
    }
    weights['sparse.weight'] = torch.arange(1200, dtype=torch.float16).reshape(30, 40)
    weights = masked(weights, mask)
    weights['again'] = weights['conv.bias']
    weights['sparse.weight'] = weights.pop('sparse.weight')
    initial = {name: tensor + tensor for name, tensor in weights.items()}
    initial['again'] = initial['conv.bias']
    return Ticket(mask, weights, {'round': 3, 'classes': ('a', 'b')}, initial)


def parts(path: Path) -> tuple[dict, dict, bytes]:
    """Description, index and frames of a file, by other code than ours."""
    raw = path.read_bytes()
    (size,) = struct.unpack('<Q', raw[:8])
    header = json.loads(raw[8 : 8 + size])
    description = json.loads(header['__metadata__']['mmlth'])
    tensors = load_file(path)
    index = json.loads(zstandard.decompress(tensors['index'].numpy().tobytes()))
    return description, index, tensors['frames'].numpy().tobytes()


def write(path: Path, content: object, frames: bytes, **description: object) -> None:
    """A file with valid checksums around whatever index is given."""
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    packed = zstandard.compress(text)
    result = {
        'format': 'mmlth-ticket',
        'version': 2,
        'index': [len(packed), zlib.crc32(packed), len(text)],
        **description,
    }
    tensors = {
        'index': torch.tensor(list(packed), dtype=torch.uint8),
        'frames': torch.tensor(list(frames), dtype=torch.uint8),
    }
    save_file(tensors, path, metadata={'mmlth': json.dumps(result)})


def test_a_reader_made_from_the_page_reads_it(tmp_path):
    save_ticket(sample(), tmp_path / 't')
    description, index, frames = parts(tmp_path / 't')
    assert (description['format'], description['version']) == ('mmlth-ticket', 2)
    position = 0

    def take(frame: list[int]) -> bytes:
        nonlocal position
        data = frames[position : position + frame[0]]
        position += frame[0]
        assert zlib.crc32(data) == frame[1]
        return zstandard.decompress(data) if data else b''

    dtype = {
        'float32': np.uint32,
        'float16': np.uint16,
        'bfloat16': np.uint16,
        'int64': np.uint64,
    }
    result = {}
    for coding, kind, count, rows in index['chunks']:
        rows = iter(rows)
        kept = np.ones(count, bool)
        if coding == 'masked':
            packed = np.frombuffer(take(next(rows)), np.uint8)
            kept = np.unpackbits(packed, bitorder='little')[:count].astype(bool)
            result['mask', kind] = kept
        elif coding == 'gaps':
            place, kept = 0, np.zeros(count, bool)
            for gap in take(next(rows)):
                place += gap
                if gap < 255:
                    kept[place] = True
                    place += 1
            result['mask', kind] = kept
        for group in index['groups']:
            numbers = np.zeros(kept.sum(), dtype[kind])
            upper, lower = (np.frombuffer(take(next(rows)), np.uint8) for _ in range(2))
            plane = np.array(
                [(b & 15) << 4 | a & 15 for b, a in zip(upper, lower)]
                + [b & 240 | a >> 4 for b, a in zip(upper, lower)],
                np.uint8,
            )
            planes = [plane.reshape(2, -1).T.flatten()[: len(numbers)]]
            planes += [
                np.frombuffer(take(next(rows)), np.uint8) for _ in range(numbers.itemsize - 1)
            ]
            for plane in planes:  # from the most significant byte
                numbers = (numbers << numbers.dtype.type(8)) | plane
            bits = 8 * numbers.itemsize
            numbers = (numbers >> numbers.dtype.type(1)) | (numbers << numbers.dtype.type(bits - 1))
            full = np.zeros(count, numbers.dtype)
            full[kept] = numbers
            result[group, coding, kind] = full
    assert position == len(frames)
    ticket = sample()
    assert result['mask', 'float32'].tolist() == ticket.mask['conv.weight'].flatten().tolist()
    assert result['mask', 'float16'].tolist() == ticket.mask['sparse.weight'].flatten().tolist()
    for group, weights in (('weights', ticket.weights), ('initial', ticket.initial)):
        conv = result[group, 'masked', 'float32'].view(np.float32)
        assert conv.tobytes() == weights['conv.weight'].numpy().tobytes()
        sparse = result[group, 'gaps', 'float16'].view(np.float16)
        assert sparse.tobytes() == weights['sparse.weight'].numpy().tobytes()
        bias = result[group, 'plain', 'float32'].view(np.float32)
        assert bias.tobytes() == weights['conv.bias'].numpy().tobytes()
        assert result[group, 'plain', 'int64'].tolist() == [int(weights['steps'])]
    assert index['tensors'][4] == ['again', 'float32', [2], 'conv.bias']


def test_golden_bytes_of_version_2():
    ticket, expected = load_ticket(GOLDEN / 'version_2.safetensors'), sample()
    assert ticket.mask == expected.mask
    assert ticket.info == expected.info
    for result, group in ((ticket.weights, expected.weights), (ticket.initial, expected.initial)):
        assert list(result) == list(group)
        for name, tensor in group.items():
            assert result[name].dtype == tensor.dtype
            assert result[name].view(-1).view(torch.uint8).tolist() == (
                tensor.contiguous().view(-1).view(torch.uint8).tolist()
            )


def change(index: dict, path: list, value: object) -> dict:
    index = copy.deepcopy(index)
    target = index
    for key in path[:-1]:
        target = target[key]
    if value is ...:
        del target[path[-1]]
    else:
        target[path[-1]] = value
    return index


@pytest.mark.parametrize(
    ('path', 'value', 'message'),
    [
        (['groups'], ..., 'the index has keys'),
        (['groups'], ['initial'], 'groups'),
        (['groups'], 3, '3 instead of a list'),
        (['values'], 'float8', 'values'),
        (['values'], 'float16', 'frames for a chunk'),
        (['tensors', 0, 1], 'int32', 'a chunk of'),
        (['tensors', 0], [1], 'a tensor'),
        (['tensors', 0, 0], '', "a tensor named ''"),
        (['tensors', 0, 0], 'steps', "two tensors named 'steps'"),
        (['tensors', 0, 1], 'object', 'of type'),
        (['tensors', 0, 1], 'float64', 'a chunk of'),
        (['tensors', 0, 2], [-1], 'the side of'),
        (['tensors', 0, 2], [True, 24], 'the side of'),
        (['tensors', 0, 2], [2**40, 2**40, 0], 'of shape'),
        (['tensors', 0, 2], [2, 3, 2, 1], 'is longer than its tensors'),
        (['tensors', 0, 2], [2, 3, 2, 3], 'a chunk of'),
        (['tensors', 0, 3], 'nothing', 'is tied to'),
        (['tensors', 0, 3], 'again', 'is tied to'),
        (['tensors', 0, 3], 3, 'of coding'),
        (['tensors', 4, 3], 'steps', 'is tied to'),
        (['chunks'], [], 'chunks are missing'),
        (['chunks', 0], 'chunk', 'a chunk'),
        (['chunks', 0, 0], 'plain', 'a chunk of'),
        (['chunks', 1, 0], 'gaps', 'a chunk of'),
        (['chunks', 0, 2], 0, 'a chunk of 0'),
        (['chunks', 0, 2], 2**21, 'a chunk of'),
        (['chunks', 0, 2], 24.0, 'the size of a chunk'),
        (['chunks', 0, 3, 0], [1, 2, 3], 'a frame'),
        (['chunks', 0, 3, 0, 0], -1, 'the length of a frame'),
        (['chunks', 0, 3, 0, 0], 2**39, 'bytes of frames instead of'),
        (['chunks', 0, 3, 0, 1], 1, 'another checksum'),
        (['chunks', 0, 3], [], '0 frames'),
        (['info'], [], 'what it says of itself'),
        (['info', 'value'], ..., 'what it says of itself'),
        (['info', 'arrays'], {'x': ['float32', [9], '00']}, 'what it says of itself'),
    ],
)
def test_an_index_that_is_wrong_is_a_named_error(tmp_path, path, value, message):
    save_ticket(sample(), tmp_path / 't')
    _, index, frames = parts(tmp_path / 't')
    write(tmp_path / 't', index, frames)
    load_ticket(tmp_path / 't')  # so that what follows is due to the change alone
    write(tmp_path / 't', change(index, path, value), frames)
    with pytest.raises(DamagedTicketError, match=message) as error:
        load_ticket(tmp_path / 't')
    assert str(tmp_path / 't') in str(error.value)
    assert '\n' not in str(error.value)


def test_more_chunks_than_tensors(tmp_path):
    save_ticket(sample(), tmp_path / 't')
    _, index, frames = parts(tmp_path / 't')
    index['chunks'].append(index['chunks'][-1])
    write(tmp_path / 't', index, frames)
    with pytest.raises(DamagedTicketError, match='chunks of no tensor'):
        load_ticket(tmp_path / 't')


def test_frames_in_another_order(tmp_path):
    mask = Mask({'w': torch.ones(4, dtype=torch.bool)})
    save_ticket(Ticket(mask, {'w': torch.randn(4), 'v': torch.randn(4)}), tmp_path / 't')
    _, index, frames = parts(tmp_path / 't')
    (*_, masked_rows), (*_, plain_rows) = index['chunks']
    lengths = [row[0] for row in masked_rows + plain_rows]
    starts = np.cumsum([0, *lengths])
    pieces = [frames[a:b] for a, b in itertools.pairwise(starts)]
    assert lengths[3] == lengths[8]
    pieces[3], pieces[8] = pieces[8], pieces[3]
    write(tmp_path / 't', index, b''.join(pieces))
    with pytest.raises(DamagedTicketError, match='another checksum'):
        load_ticket(tmp_path / 't')


@pytest.mark.parametrize(
    ('frame', 'message'),
    [
        (zstandard.compress(bytes(1 << 20)), 'a frame of 1048576 bytes instead of 3'),
        (zstandard.ZstdCompressor(write_content_size=False).compress(bytes(3)), 'instead of 3'),
        (b'no frame at all', 'no Zstandard'),
        (zstandard.compress(bytes(3))[:-1], 'no Zstandard'),
        (zstandard.compress(bytes(3)) + b'more', 'no Zstandard'),
        (zstandard.compress(b'\x00\x00\xff') + b'', 'another checksum'),
    ],
)
def test_frames_that_are_wrong(tmp_path, frame, message):
    save_ticket(sample(), tmp_path / 't')
    _, index, frames = parts(tmp_path / 't')
    old = index['chunks'][0][3][0][0]
    right = 'checksum' not in message
    index['chunks'][0][3][0] = [len(frame), zlib.crc32(frame) if right else 0]
    write(tmp_path / 't', index, frame + frames[old:])
    with pytest.raises(DamagedTicketError, match=message):
        load_ticket(tmp_path / 't')


def test_mask_bits_of_no_weight(tmp_path):
    mask = Mask({'w': torch.ones(3, dtype=torch.bool)})
    save_ticket(Ticket(mask, None), tmp_path / 't')
    _, index, _ = parts(tmp_path / 't')
    frame = zstandard.compress(b'\x0f')
    index['chunks'][0][3][0] = [len(frame), zlib.crc32(frame)]
    write(tmp_path / 't', index, frame)
    with pytest.raises(DamagedTicketError, match='bits of no weight'):
        load_ticket(tmp_path / 't')


@pytest.mark.parametrize(
    ('gaps', 'message'),
    [
        (b'\x02\x00', 'gaps beyond its chunk'),
        (b'\xff\x00', 'gaps beyond its chunk'),
        (bytes(4), 'a frame of 4 bytes instead of 3'),
    ],
)
def test_gaps_that_are_wrong(tmp_path, gaps, message):
    save_ticket(Ticket(Mask({'w': torch.ones(3, dtype=torch.bool)}), None), tmp_path / 't')
    _, index, _ = parts(tmp_path / 't')
    frame = zstandard.compress(gaps)
    index['chunks'][0] = ['gaps', 'bool', 3, [[len(frame), zlib.crc32(frame)]]]
    write(tmp_path / 't', index, frame)
    with pytest.raises(DamagedTicketError, match=message):
        load_ticket(tmp_path / 't')
    right = zstandard.compress(b'\x01\x00')
    index['chunks'][0][3] = [[len(right), zlib.crc32(right)]]
    write(tmp_path / 't', index, right)
    assert load_ticket(tmp_path / 't').mask['w'].tolist() == [False, True, True]


def test_a_small_file_cannot_fill_the_memory(tmp_path):
    mask = Mask({'w': torch.zeros(1000, 1000, dtype=torch.bool)})
    bomb = Ticket(mask, {'w': torch.zeros(1000, 1000)})
    save_ticket(bomb, tmp_path / 't')
    assert (tmp_path / 't').stat().st_size < 2000
    load_ticket(tmp_path / 't')  # 5 MB harm nobody
    with pytest.raises(TicketTooLargeError, match='5001024 bytes of memory, more than 5001023'):
        load_ticket(tmp_path / 't', max_bytes=5_001_023)
    _, index, frames = parts(tmp_path / 't')
    index['tensors'][0][2] = [10**5, 10**4]
    index['chunks'] = [[*index['chunks'][0][:2], 1 << 20, index['chunks'][0][3]]] * (10**9 >> 20)
    index['chunks'].append([*index['chunks'][0][:2], 10**9 % (1 << 20), index['chunks'][0][3]])
    write(tmp_path / 't', index, frames)
    with pytest.raises(TicketTooLargeError, match='5000001024 bytes of memory'):
        load_ticket(tmp_path / 't')


def test_the_index_itself(tmp_path):
    path = tmp_path / 't'
    for text, message in (
        (b'{', 'no JSON'),
        (b'[]', 'no object'),
        (b'[' * 100_000, 'no JSON'),
        (b'{"tensors": ' + b'9' * 5000 + b'}', 'no JSON'),
        (b'\xff', 'no JSON'),
    ):
        write(path, text, b'')
        with pytest.raises(DamagedTicketError, match=message):
            load_ticket(path)
    for description, message in (
        ({'index': [1, 2]}, 'lacks the index'),
        ({'index': None}, 'lacks the index'),
        ({'index': ['a', 2, 3]}, 'the index in its'),
        ({'index': [float('inf'), 2, 3]}, 'the index in its'),
        ({'index': [1.0, 2, 3]}, 'the index in its'),
        ({'index': [1, 2, 2**24]}, 'an index of'),
        ({'index': [1, 2, 2**40]}, 'an index of'),
        ({'index': [1, 2, 3]}, 'another checksum'),
    ):
        write(path, {}, b'', **description)
        with pytest.raises(DamagedTicketError, match=message):
            load_ticket(path)


def test_the_container(tmp_path):
    path = tmp_path / 't'
    save_ticket(sample(), path)
    tensors = load_file(path)
    description = json.dumps(parts(path)[0])
    for changed, message in (
        ({'index': tensors['index']}, 'it holds'),
        ({**tensors, 'more': torch.ones(1)}, 'it holds'),
        ({**tensors, 'frames': tensors['frames'].float()}, 'not bytes'),
        ({**tensors, 'frames': tensors['frames'][None]}, 'not bytes'),
    ):
        save_file(changed, path, metadata={'mmlth': description})
        with pytest.raises(DamagedTicketError, match=message):
            load_ticket(path)
    save_file(tensors, path, metadata={'mmlth': '{'})
    with pytest.raises(DamagedTicketError, match='no JSON'):
        load_ticket(path)


def test_a_header_that_repeats_a_name(tmp_path):
    save_ticket(sample(), tmp_path / 't')
    raw = (tmp_path / 't').read_bytes()
    (size,) = struct.unpack('<Q', raw[:8])
    header = raw[8 : 8 + size].rstrip()
    entry = header[header.index(b'"frames"') : -1]
    header = header[:-1] + b',' + entry + b'}'
    (tmp_path / 't').write_bytes(struct.pack('<Q', len(header)) + header + raw[8 + size :])
    with pytest.raises(TicketError, match='repeats a name'):
        load_ticket(tmp_path / 't')


def test_truncated_files_and_files_of_others(tmp_path):
    path = tmp_path / 't.safetensors'
    with pytest.raises(FileNotFoundError, match='does not exist'):
        load_ticket(path)
    save_ticket(sample(), path)
    whole = path.read_bytes()
    for length in (0, 4, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(TicketError, match=str(path)):
            load_ticket(path)
    path.write_bytes(b'\x80\x04cos\nsystem\n.')  # a pickle
    with pytest.raises(NotATicketError, match='no safetensors file'):
        load_ticket(path)
    save_file({'w': torch.ones(1)}, path)
    with pytest.raises(NotATicketError, match='mmlth did not write'):
        load_ticket(path)
    save_tensors(path, {}, {'format': 'mmlth-rewind'})
    with pytest.raises(NotATicketError, match="format 'mmlth-rewind'"):
        load_ticket(path)
    for version in (1, 3, 2.0, 'x', None):
        write(path, {}, b'', version=version)
        with pytest.raises(TicketVersionError, match='this mmlth reads version 2'):
            load_ticket(path)


def test_truth_is_0_or_1(tmp_path):
    save_ticket(Ticket(Mask({}), {'flag': torch.tensor([True, False])}), tmp_path / 't')
    _, index, _ = parts(tmp_path / 't')
    frame = zstandard.compress(bytes([1, 4]))  # rotated right these are 128 and 2
    index['chunks'][0][3][0] = [len(frame), zlib.crc32(frame)]
    write(tmp_path / 't', index, frame)
    with pytest.raises(DamagedTicketError, match='neither 0 nor 1'):
        load_ticket(tmp_path / 't')


def test_rounded_values_of_whole_numbers(tmp_path):
    mask = Mask({'w': torch.ones(3, dtype=torch.bool)})
    save_ticket(Ticket(mask, {'w': torch.tensor([1, 2, 3], dtype=torch.int16)}), tmp_path / 't')
    _, index, frames = parts(tmp_path / 't')
    write(tmp_path / 't', {**index, 'values': 'bfloat16'}, frames)
    with pytest.raises(DamagedTicketError, match=r'rounded values of .int16'):
        load_ticket(tmp_path / 't')
