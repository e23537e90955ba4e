"""Which files are no tests, and what each test leaves as it was."""

import contextlib

import pytest
from hypothesis import settings
from kit import contents
from mmengine.runner import Runner
from pages import numbers_only, whole_reports
from quick import quick_searches
from seeds import DRAWN
from toy import toy_config

from mmlth.runtime import network as networks
from mmlth.runtime import tuning

settings.register_profile('fixed', derandomize=True)
if DRAWN is None:
    settings.load_profile('fixed')

# What processes of their own register; doctests are looked for in all other modules, and these
# would register it in the tests' process, too.
collect_ignore = ['dice.py']


# These files take longest, so they are begun first: no process is left with one when all is done.
LONG = (
    'slurm/test_on_a_cluster.py',
    'test_distributed/test_two_processes.py',
    'test_reliability/test_faults.py',
    'test_zoo/test_models.py',
    'test_zoo/test_configs.py',
    'test_main_job.py',
    'test_engine/test_search/test_resuming.py',
    'test_engine/test_search/test_going_on.py',
    'test_packaging/test_downstream.py',
    'test_study.py',
    'test_situations/test_lottery_key.py',
)


def pytest_collection_modifyitems(config, items):
    """Long files first; where a seed is drawn, tests of hypothesis run beside the slow ones."""
    items.sort(key=lambda item: not item.path.as_posix().endswith(LONG))
    if DRAWN is not None:
        for item in items:
            if getattr(getattr(item, 'obj', None), 'is_hypothesis_test', False):
                item.add_marker(pytest.mark.slow)


@pytest.fixture(scope='session')
def toy_search(tmp_path_factory):
    """The folder of a finished search by ``toy_config(folder)``, to read and not to change.

    It is made once in each process of a test run.
    """
    work_dir = tmp_path_factory.mktemp('toy_search') / 'work'
    Runner.from_cfg(toy_config(work_dir)).train()
    before = contents(work_dir)
    yield work_dir
    after = contents(work_dir)
    # MMEngine writes how later models are initialised into the log of the last Runner.
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    assert all(name.endswith('.log') for name in changed), 'a test has changed what others read'


@pytest.fixture(autouse=True)
def registered_scores_stay():
    """Scores that a test registers are no choice in the tests after it."""
    from mmlth.engine.registry import SCORES

    SCORES.import_from_location()
    before = dict(SCORES.module_dict)
    yield
    SCORES.module_dict.clear()
    SCORES.module_dict.update(before)


@pytest.fixture(scope='session', autouse=True)
def searches_are_quick():
    """Once the tests are collected, so that all packages are imported."""
    with quick_searches():
        yield


@pytest.fixture(scope='session', autouse=True)
def reports_are_numbers():
    """Searches of fixtures and tests write no page, but those with ``pytest.mark.pages``."""
    with numbers_only():
        yield


@pytest.fixture(autouse=True)
def marked_tests_draw_pages(request):
    """Undoes that for a marked test; a fixture of a wider scope asks by itself: see pages.py."""
    with whole_reports() if request.node.get_closest_marker('pages') else contextlib.nullcontext():
        yield


@pytest.fixture
def always_sparse(monkeypatch):
    """Each layer that can be sparse becomes so, whatever the clock says."""
    monkeypatch.setattr(tuning, 'GAIN', float('inf'))
    monkeypatch.setattr(tuning, 'DENSEST', 1.0)
    monkeypatch.setattr(tuning, 'VECTORS', {1: (4,), 4: (2, 4)})
    monkeypatch.setattr(tuning, 'CACHES', (1,))
    monkeypatch.setattr(
        networks, 'fastest_form', lambda seconds: 'new' if 'new' in seconds else next(iter(seconds))
    )
