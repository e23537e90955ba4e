"""The laws of masks on real models of every kind; `tools/zoo/zoo.py` checks all families."""

import importlib.util
from importlib import metadata
from pathlib import Path

import pytest
from laws import check_model
from representatives import REPRESENTATIVES, SAMPLE


def first_of_each_kind(sample):
    """A model of each kind; the others are slow, all together."""
    kinds = set()
    for each in sample:
        marks = [pytest.mark.slow] if each.kind in kinds else []
        if each.name.startswith('mmseg::'):
            marks.append(pytest.mark.one_stack)  # the fork's configs are not checked
        kinds.add(each.kind)
        yield pytest.param(each.name, marks=marks, id=each.name.rpartition('/')[2])


@pytest.mark.parametrize('name', first_of_each_kind(SAMPLE))
def test_laws_hold(name):
    pytest.importorskip(name.partition('::')[0])
    verdict = check_model(name)
    assert 0 < verdict.prunable < verdict.parameters


def test_every_folder_of_the_zoos_is_represented():
    depth = {'mmdet': 1, 'mmpose': 2, 'mmseg': 1}
    if 'mmsegmentation' not in metadata.packages_distributions().get('mmseg', []):
        depth.pop('mmseg')  # it is not there, or the fork's, which has more
    for package, parts in depth.items():
        if importlib.util.find_spec(package) is None:
            continue
        folder = importlib.util.find_spec(package).submodule_search_locations[0] + '/.mim/configs'
        paths = [path.relative_to(folder).parts for path in Path(folder).rglob('*.py')]
        families = {p[:parts] for p in paths if not {'_base_', 'common', '__pycache__'} & set(p)}
        ours = {
            tuple(r.family.split('/')[:parts])
            for r in REPRESENTATIVES
            if r.name.startswith(f'{package}::')
        }
        assert families <= ours
