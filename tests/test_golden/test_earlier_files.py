"""Files of searches that mmlth wrote before: a toy search of format 1, with tickets of format 2."""

import shutil
from hashlib import sha256
from pathlib import Path

import pytest
from golden_files import FOLDER
from kit import record, ticket_of
from toy import toy_config

import mmlth
from mmlth.ticket import load_rewind_weights, weights_hash

SEARCH = FOLDER / 'search'
# Of the bytes of all tensors in order, taken when the files were written.
MASKS = ['29bbb7f7', '78bad617', '11d5b78f']
WEIGHTS = ['ecd9550b', 'a36f1ead', 'b8436f4c']
REWOUND = '8368d9e7'


def digest(tensors):
    content = b''.join(tensor.numpy().tobytes() for _, tensor in sorted(tensors.items()))
    return sha256(content).hexdigest()[:8]


@pytest.mark.parametrize('number', range(3))
def test_tickets(number):
    ticket = ticket_of(SEARCH, number)
    assert digest(ticket.mask) == MASKS[number]
    assert digest(ticket.state_dict()) == WEIGHTS[number]
    rounds = record(SEARCH)['rounds']
    assert ticket.mask.kept == rounds[number]['kept'] == ticket.info['kept']


def test_the_rewind_file():
    weights = load_rewind_weights(SEARCH / 'rewind.safetensors')
    assert digest(weights) == REWOUND
    ticket = ticket_of(SEARCH, 1)
    assert weights_hash(weights) == ticket.info['rewind']['weights_sha256']


def test_the_search_goes_on(tmp_path):
    """A finished search of then takes a further round today: it rewinds, and masks nest."""
    work_dir = Path(shutil.copytree(SEARCH, tmp_path / 'work'))
    rounds = mmlth.search(
        toy_config(work_dir), resume=True, rounds=3, target_sparsity=0.9, work_dir=work_dir
    )
    before = record(SEARCH)['rounds']
    assert rounds[:3] == before
    assert rounds[3]['kept'] == 304 - round(0.9 * 304)
    masks = [ticket_of(work_dir, number).mask for number in (2, 3)]
    assert all(bool((masks[0][name] | ~kept).all()) for name, kept in masks[1].items())
