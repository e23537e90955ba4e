"""Checkpoints that are damaged while their search is interrupted."""

import zipfile
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from random import Random

from outcomes import Outcome
from searches import ROUNDS, Bench

DAMAGES = ('one bit flipped', 'cut short', 'emptied')


def damaged_checkpoints(bench: Bench, count: int) -> Iterator[Outcome]:
    """Kills searches within a round, damages their newest checkpoint and lets them continue."""
    for damage in islice(cycle(DAMAGES), count):
        search, index = bench.new_search(), bench.random.randrange(ROUNDS)
        # Within the training of the round, or when only its ticket is not there yet.
        before = bench.random.choice((rf'open round_{index:02d}/\.iter_8', 'open tickets/'))
        search.start('--die-at-event', '1', '--matching', before).end()
        newest = newest_checkpoint(search.work_dir)
        break_file(newest, damage, bench.random)
        run = search.start()
        code = run.end()
        named = any(newest.name in line and 'damaged' in line for line in run.text().splitlines())
        broken = [] if named else [f'{newest.name} was not said to be damaged']
        ended = 'passed over, and named in the log' if named else f'exit {code}'
        point = f'{newest.relative_to(search.work_dir)}'
        differing = bench.close(search)
        bench.tell(f'newest checkpoint {damage}, {point}: {ended}; {differing} tickets differ')
        yield Outcome(f'newest checkpoint {damage}', point, ended, broken, differing)


def newest_checkpoint(work_dir: Path) -> Path:
    """The checkpoint that a search would continue from."""
    pointer = max(work_dir.glob('round_*/last_checkpoint'))
    return pointer.with_name(Path(pointer.read_text()).name)


def break_file(path: Path, damage: str, random: Random) -> None:
    """Damages a checkpoint in one of the ways of `DAMAGES`."""
    data = bytearray(path.read_bytes())
    if damage == DAMAGES[0]:
        data[_place_of_data(path, random)] ^= 1 << random.randrange(8)
    elif damage == DAMAGES[1]:
        del data[random.randrange(1, len(data)) :]
    else:
        data.clear()
    path.write_bytes(data)


def _place_of_data(path: Path, random: Random) -> int:
    """The place of a byte that matters; between the parts of the archive there is padding."""
    with zipfile.ZipFile(path) as file:
        part = random.choice([part for part in file.infolist() if part.file_size])
        with file.open(part) as opened:
            start = opened._orig_compress_start  # type: ignore[attr-defined]
    return start + random.randrange(part.file_size)
