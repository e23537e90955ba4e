"""A Runner that searches, for configs which name it rather than import mmlth."""

import inspect
from pathlib import Path
from typing import Any

from mmengine.runner import Runner

from mmlth.engine.entry import searching_from_cfg, searching_init, searching_train
from mmlth.engine.registry import RUNNERS
from mmlth.engine.search import Report


def _no_report(work_dir: Path, at_end: bool) -> None:
    """Stands for the report as long as no layer above has given one."""


def _report(work_dir: Path, at_end: bool) -> None:
    LotteryRunner.report(work_dir, at_end)


def _of_mmengine(name: str) -> Any:
    """MMEngine's own method, whether mmlth has changed `Runner` or not."""
    return inspect.unwrap(inspect.getattr_static(Runner, name))


@RUNNERS.register_module()
class LotteryRunner(Runner):
    """MMEngine's Runner, whose ``train()`` searches where its config has a ``lottery`` key.

    A config with ``runner_type='mmlth.LotteryRunner'`` needs no ``custom_imports``, and its search
    does not depend on what mmlth changes about `Runner` itself; the tickets are the same.
    MMDetection's training script and mmlth's own commands read ``runner_type``, MMPose's script
    does not.

    Attributes:
        report: Makes the report after each round.
    """

    report: Report = staticmethod(_no_report)

    __init__ = searching_init(_of_mmengine('__init__'), _report)
    train = searching_train(_of_mmengine('train'))
    from_cfg: Any = classmethod(searching_from_cfg(_of_mmengine('from_cfg')))
