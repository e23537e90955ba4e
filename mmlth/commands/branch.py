"""``mmlth branch``: train a control of a search, or other settings, without its dense round."""

import argparse
import os
from typing import Any

from mmlth.engine import branch


def run(options: argparse.Namespace) -> None:
    """Runs the branch."""
    os.environ.setdefault('LOCAL_RANK', str(options.local_rank))
    control: Any = options.control
    if control and options.control_options:
        control = {'type': control, **options.control_options}
    branch(
        options.work_dir,
        control,
        name=options.name,
        label=options.label,
        tickets=options.tickets,
        seed=options.seed,
        length=options.length,
        resume=options.resume,
        launcher=options.launcher,
        cfg_options=options.cfg_options,
        **options.lottery,
    )
