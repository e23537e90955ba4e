"""``mmlth train``: run a lottery-ticket search with any config, with or without a lottery key."""

import argparse
import os

from mmlth.engine.api import search


def run(options: argparse.Namespace) -> None:
    """Runs the search."""
    os.environ.setdefault('LOCAL_RANK', str(options.local_rank))
    search(
        options.config,
        work_dir=options.work_dir,
        resume=options.resume is not None,
        amp=options.amp,
        auto_scale_lr=options.auto_scale_lr,
        launcher=options.launcher,
        cfg_options=options.cfg_options,
        **options.lottery,
    )
