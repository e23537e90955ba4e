import pytest
import torch

from mmlth.pruning import Mask


def test_is_a_mapping_with_counts():
    mask = Mask({'a': torch.tensor([[True, False], [True, True]]), 'b': torch.tensor([False])})
    assert list(mask) == ['a', 'b']
    assert (mask.kept, mask.total) == (3, 5)
    assert mask.density == 0.6
    assert mask.sparsity == 0.4


def test_nesting_looks_at_names_shapes_and_places():
    kept = torch.tensor([True, True, False])
    mask = Mask({'a': kept})
    assert Mask({'a': torch.tensor([True, False, False])}).issubset(mask)
    assert not Mask({'a': torch.tensor([False, False, True])}).issubset(mask)
    assert not Mask({'b': kept}).issubset(mask)
    assert not Mask({'a': kept[:2]}).issubset(mask)


def test_equality_is_by_content():
    assert Mask({'a': torch.tensor([True])}) == Mask({'a': torch.tensor([True])})
    assert Mask({'a': torch.tensor([True])}) != Mask({'a': torch.tensor([False])})


@pytest.mark.parametrize(
    'tensors', [{'a': torch.ones(2)}, {'a': [True]}, {'': torch.ones(1).bool()}]
)
def test_refuses_what_is_no_mask(tensors):
    with pytest.raises(ValueError, match='mask'):
        Mask(tensors)
