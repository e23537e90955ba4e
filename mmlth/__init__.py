"""Lottery tickets for OpenMMLab: sparse subnetworks that train to the dense model's accuracy.

Importing mmlth makes configs with a ``lottery`` key run a search (where MMEngine is installed) and
changes nothing for any other config.
"""

import importlib.util
from pathlib import Path

from mmlth.requirements import check_requirements
from mmlth_common.version import __version__

check_requirements('torch')  # first, for the next lines import it

from mmlth.pruning import (  # noqa: E402
    Mask,
    attach_mask,
    attached_mask,
    detach_mask,
    find_targets,
    masked,
    prune,
)
from mmlth.runtime import accelerate  # noqa: E402
from mmlth.shipped import base_config  # noqa: E402
from mmlth.ticket import Ticket, load_ticket, read_foreign, save_ticket, with_initial  # noqa: E402

__all__ = [
    'Mask',
    'Ticket',
    '__version__',
    'accelerate',
    'attach_mask',
    'attached_mask',
    'base_config',
    'detach_mask',
    'find_targets',
    'load_ticket',
    'masked',
    'prune',
    'read_foreign',
    'save_ticket',
    'with_initial',
]


def _report(work_dir: Path, at_end: bool) -> None:
    # Plotting takes a second to import, which a search need not wait for.
    from mmlth.report.writing import print_results, write_report

    page = write_report([work_dir])
    if at_end:
        print_results(work_dir, page)


# Where only `mmlth.pruning` and `mmlth.ticket` are wanted, MMEngine may be missing.
if importlib.util.find_spec('mmengine') is not None:
    check_requirements()

    from mmlth.engine import (
        LotteryError,
        LotteryRunner,
        base_lottery,
        branch,
        patch_runner,
        targets,
    )
    from mmlth.engine.api import search
    from mmlth.engine.models import accelerate
    from mmlth.engine.soup import soup
    from mmlth.engine.transfer import transfer

    __all__ += ['LotteryError', 'base_lottery', 'branch', 'search', 'soup', 'targets', 'transfer']
    patch_runner(_report)
    LotteryRunner.report = staticmethod(_report)
