import json
import random
from collections import OrderedDict

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmlth.ticket import flatten, unflatten

leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(),
    st.integers(-9, 9).map(np.int32),
    st.floats(allow_nan=False).map(np.float64),
)
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.dictionaries(st.one_of(st.text(), st.integers(), st.booleans()), inner, max_size=3),
    ),
)


@given(trees)
def test_any_tree_returns_through_json(tree):
    structure, tensors = flatten(tree)
    assert unflatten(json.loads(json.dumps(structure)), tensors) == tree


@given(trees)
def test_types_return_too(tree):
    def types(value):
        if isinstance(value, dict):
            return [(types(k), types(v)) for k, v in value.items()]
        if isinstance(value, (list, tuple)):
            return type(value), [types(item) for item in value]
        return type(value)

    structure, tensors = flatten(tree)
    assert types(unflatten(json.loads(json.dumps(structure)), tensors)) == types(tree)


def test_training_state_returns():
    optimizer = {
        'state': {0: {'momentum_buffer': torch.randn(3), 'step': torch.tensor(4.0)}},
        'param_groups': [{'lr': 0.1, 'betas': (0.9, 0.999), 'foreach': None, 'params': [0]}],
    }
    state = OrderedDict(
        optimizer=optimizer,
        generators=[random.getstate(), np.random.get_state(), torch.get_rng_state()],
        history=np.array([0.1, np.nan, np.inf]),
        marks={'@tensor': 'no tensor'},
    )
    structure, tensors = flatten(state, 'state')
    back = unflatten(json.loads(json.dumps(structure)), tensors)
    assert torch.equal(
        back['optimizer']['state'][0]['momentum_buffer'],
        tensors['state/optimizer/state/0/momentum_buffer'],
    )
    assert back['optimizer']['param_groups'] == optimizer['param_groups']
    random.setstate(back['generators'][0])
    np.random.set_state(back['generators'][1])
    torch.set_rng_state(back['generators'][2])
    np.testing.assert_array_equal(back['history'], state['history'])
    assert back['marks'] == state['marks']


def test_what_cannot_be_stored_is_named():
    with pytest.raises(TypeError, match=r'state/hooks/0/when: a function'):
        flatten({'hooks': [{'when': lambda: None}]}, 'state')


def test_a_damaged_structure_is_an_error():
    with pytest.raises(ValueError, match='@tensor'):
        unflatten({'@tensor': 'gone'}, {})
