"""Damaged and hostile tickets: nothing but a `TicketError` escapes, and memory stays bounded.

``MMLTH_FUZZ=1000000 pytest tests/fuzz`` tries that many instead of the 12,000 of an ordinary run;
for other ones see tests/seeds.py. The seed of a failure is in its message.
"""

import json
import os
import random
import resource
import struct
import zlib
from collections.abc import Callable

import pytest
import torch
import zstandard
from seeds import seeds

from mmlth import Mask, Ticket, load_ticket, save_ticket
from mmlth.pruning import masked
from mmlth.ticket import TicketError

BUDGET = int(os.environ.get('MMLTH_FUZZ', 12_000))
MEMORY = 1 << 30
"""What the reader allows a small file to take, in bytes."""
HOSTILE = [
    0,
    1,
    -1,
    7,
    2**32 - 1,
    2**40,
    2**63,
    2**64,
    10**30,
    1e300,
    float('inf'),
    None,
    True,
    '',
    [],
    {},
]


def ticket() -> Ticket:
    torch.manual_seed(0)
    mask = Mask(
        {
            'a': torch.rand(20, 9) < 0.3,
            'b': torch.rand(7) < 0.5,
            'd': torch.rand(40, 30) < 0.01,  # told by gaps
        }
    )
    weights = {
        'a': torch.randn(20, 9),
        'b': torch.randn(7),
        'c': torch.randn(3).half(),
        'd': torch.randn(40, 30).double(),
    }
    return Ticket(mask, masked(weights, mask), {'round': 1, 'sizes': (1, 2)})


def same(one: Ticket, other: Ticket) -> bool:
    return one.mask == other.mask and all(
        one.weights[name].equal(tensor) for name, tensor in other.weights.items()
    )


def truncate(raw: bytes, rng: random.Random) -> bytes:
    return raw[: rng.randrange(len(raw))]


def flip_bits(raw: bytes, rng: random.Random) -> bytes:
    damaged = bytearray(raw)
    for _ in range(rng.choice((1, 1, 2, 8))):
        damaged[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def overwrite(raw: bytes, rng: random.Random) -> bytes:
    start, length = rng.randrange(len(raw)), rng.randrange(1, 40)
    return raw[:start] + rng.randbytes(length) + raw[start + length :]


def splice(raw: bytes, rng: random.Random) -> bytes:
    a, b, c, d = sorted(rng.randrange(len(raw)) for _ in range(4))
    return raw[:a] + raw[c:d] + raw[b:c] + raw[a:b] + raw[d:]


def swap_offsets(raw: bytes, rng: random.Random) -> bytes:
    (size,) = struct.unpack('<Q', raw[:8])
    header = json.loads(raw[8 : 8 + size])
    name = rng.choice(['index', 'frames'])
    entry = header[name]
    if rng.random() < 0.5:
        key = rng.choice(['index', 'frames'])
        entry['data_offsets'] = header[key]['data_offsets'][:: rng.choice((1, -1))]
    else:
        field = rng.choice(['shape', 'data_offsets'])
        entry[field][rng.randrange(len(entry[field]))] = rng.choice(HOSTILE)
    text = json.dumps(header).encode()
    return struct.pack('<Q', len(text)) + text + raw[8 + size :]


def hostile_lengths(raw: bytes, rng: random.Random) -> bytes:
    """A changed index with checksums that are right, as an attacker would write it."""
    (size,) = struct.unpack('<Q', raw[:8])
    header = json.loads(raw[8 : 8 + size])
    data = raw[8 + size :]
    begin, end = header['index']['data_offsets']
    frames = data[slice(*header['frames']['data_offsets'])]
    index = json.loads(zstandard.decompress(data[begin:end]))
    for _ in range(rng.choice((1, 1, 2, 3))):
        _change_somewhere(index, rng)
    text = json.dumps(index).encode()
    packed = zstandard.compress(text)
    description = json.loads(header['__metadata__']['mmlth'])
    description['index'] = [len(packed), zlib.crc32(packed), len(text)]
    if rng.random() < 0.1:
        description[rng.choice(list(description))] = rng.choice(HOSTILE)
    changed = {
        '__metadata__': {'mmlth': json.dumps(description)},
        'index': {'dtype': 'U8', 'shape': [len(packed)], 'data_offsets': [0, len(packed)]},
        'frames': {
            'dtype': 'U8',
            'shape': [len(frames)],
            'data_offsets': [len(packed), len(packed) + len(frames)],
        },
    }
    text = json.dumps(changed).encode()
    return struct.pack('<Q', len(text)) + text + packed + frames


def _change_somewhere(value: object, rng: random.Random) -> None:
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        if not keys:
            return
        key = rng.choice(keys)
        inner = value[key]
        if isinstance(inner, (dict, list)) and inner and rng.random() < 0.85:
            value = inner
            continue
        choice = rng.random()
        if choice < 0.2:
            del value[key]
        elif choice < 0.4 and isinstance(inner, int):
            value[key] = inner + rng.choice((-1, 1, 8, 1 << 20))
        elif choice < 0.5 and isinstance(value, list):
            value.append(inner)
        elif choice < 0.6 and isinstance(value, list):
            value[key] = rng.choice(value)
        else:
            value[key] = rng.choice(HOSTILE)
        return


MUTATIONS: list[Callable[[bytes, random.Random], bytes]] = [
    truncate,
    flip_bits,
    overwrite,
    splice,
    swap_offsets,
    hostile_lengths,
]


@pytest.mark.one_stack
@pytest.mark.parametrize('first', seeds(0))
def test_nothing_but_a_ticket_error_escapes(tmp_path, first):
    path = tmp_path / 't.safetensors'
    save_ticket(ticket(), path)
    raw, whole = path.read_bytes(), ticket()
    refused = 0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for seed in range(first * BUDGET, (first + 1) * BUDGET):
        rng = random.Random(seed)  # noqa: S311, no secret
        mutate = MUTATIONS[seed % len(MUTATIONS)]
        damaged = mutate(raw, rng)
        path.write_bytes(damaged)
        try:
            loaded = load_ticket(path)
        except TicketError:
            refused += 1
        except BaseException as error:
            raise AssertionError(f'seed {seed}, {mutate.__name__}: {error!r}') from error
        else:
            # Damage by accident never gives another ticket; an attacker's index may.
            if mutate is not hostile_lengths:
                assert same(loaded, whole), f'seed {seed}, {mutate.__name__}: a wrong ticket'
    used = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10
    assert used < MEMORY, f'{used >> 20} MiB'
    print(f'{refused} of {BUDGET} damaged files refused, the others read as they were')
    assert refused > 0.8 * BUDGET
