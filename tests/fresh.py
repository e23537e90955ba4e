"""Commands in processes of their own, as users start them."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from repository import ROOT


def stock_train(
    config: Path, *arguments: Any, package: str = 'mmdet', **environment: Any
) -> subprocess.CompletedProcess[str]:
    """Trains by the script that ``mim train`` runs, in the config's folder.

    Args:
        config: The config file; modules beside ``tests/points.py`` can be imported by it.
        *arguments: Further ones of the script; ``--work-dir work`` if there are none.
        package: Whose script it is: ``'mmdet'`` or ``'mmpose'``.
        **environment: Variables of the process beside those of this one.
    """
    arguments = arguments or ('--work-dir', 'work')
    script = _script(package, 'train')
    return python(script, config, *arguments, cwd=config.parent, **environment)


def stock_test(
    config: Path, checkpoint: Path, *arguments: Any, package: str = 'mmdet', **environment: Any
) -> subprocess.CompletedProcess[str]:
    """Tests a checkpoint by the script that ``mim test`` runs; for the rest see `stock_train`."""
    arguments = (checkpoint, *(arguments or ('--work-dir', 'tested')))
    script = _script(package, 'test')
    return python(script, config, *arguments, cwd=config.parent, **environment)


def _script(package: str, name: str) -> Path:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / f'.mim/tools/{name}.py'


def mmlth(*arguments: Any, cwd: Path, **environment: Any) -> subprocess.CompletedProcess[str]:
    """Runs a command of mmlth."""
    return python('-m', 'mmlth', *arguments, cwd=cwd, **environment)


def python(*arguments: Any, cwd: Path, **environment: Any) -> subprocess.CompletedProcess[str]:
    """Runs Python; the caller looks at ``returncode``, ``stdout`` and ``stderr``."""
    path = {
        'PATH': f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}',
        'PYTHONPATH': os.pathsep.join([str(ROOT), str(ROOT / 'tests')]),
        'OMP_NUM_THREADS': '1',
    }
    return subprocess.run(  # noqa: S603
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **path, **{key: str(value) for key, value in environment.items()}},
        capture_output=True,
        text=True,
    )
