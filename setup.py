"""Packages mmlth together with its configs, their index and tools; all the rest is in setup.cfg."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from setuptools import setup
from setuptools.command.build_py import build_py

SHIPPED = ('configs', 'tools', 'model-index.yml')
SUFFIXES = ('md', 'py', 'sh', 'yml')
OWN = ('architecture', 'reference', 'reliability', 'setup', 'zoo')
"""Tools for this repository alone: they set it up and test it."""


def _shipped(name: str) -> list[Path]:
    """What packages hold of a folder or file: nothing that only this repository uses."""
    place = Path(name)
    if place.is_file():
        return [place]
    files = [path for suffix in SUFFIXES for path in place.rglob(f'*.{suffix}')]
    own = {('tools', name) for name in OWN}
    return [path for path in files if path.parts[:2] not in own]


class BuildPy(build_py):
    """Puts what is shipped into ``mmlth/.mim``, where OpenMMLab's own packages have theirs.

    A wheel gets copies. An editable install gets links, so that edits show up there as well.
    """

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            mim = Path('mmlth', '.mim')
            mim.mkdir(exist_ok=True)
            for name in SHIPPED:
                if not (mim / name).exists():
                    (mim / name).symlink_to(Path('..', '..', name), Path(name).is_dir())

    def _get_data_files(self) -> list[Any]:
        # As data files of the package they are copied and listed like all its other files.
        files = sorted(str(file) for name in SHIPPED for file in _shipped(name))
        target = str(Path(self.build_lib, 'mmlth', '.mim'))
        return [*super()._get_data_files(), ('mmlth', '', target, files)]


# Outside the source tree, for a build folder that stays behind brings files deleted since then into
# the next wheel.
with TemporaryDirectory() as build:
    setup(
        cmdclass={'build_py': BuildPy},
        options={'build': {'build_base': build}, 'egg_info': {'egg_base': build}},
    )
