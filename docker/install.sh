#!/bin/sh
# Installs PyTorch, MMDetection, MMPose and mmlth into the Python that comes first on PATH, by the
# versions that mmlth is tested with; tools/setup/setup.sh says why some need what they need. Runs in
# the root of the repository. What is built stays out of the images: they copy what is installed.
set -eu

pip install --upgrade pip 'setuptools>=70,<80' wheel ninja psutil cython
export PIP_CONSTRAINT=tools/setup/openmmlab.txt
pip install numpy torch torchvision
pip install mmengine opencv-python
# With its operators, which no wheel has for this version of torch; compiled as setup.sh does it.
CFLAGS='-O3 -DNDEBUG -fwrapv -g0' MMCV_WITH_OPS=1 \
  pip wheel --no-build-isolation --no-deps --no-binary mmcv --wheel-dir /tmp/mmcv mmcv
env -u PIP_CONSTRAINT pip install --no-deps /tmp/mmcv/*.whl
pip install mmdet json-tricks munkres xtcocotools scipy matplotlib pillow pycocotools openmim
pip install --no-deps mmpose
pip install 'setuptools>=70,<80'
pip install --no-build-isolation ".[$1]"
mmlth --version
