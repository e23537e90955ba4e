#!/usr/bin/env bash
# Makes the virtual environment that `make demo` and `make test` work in: torch, one OpenMMLab
# stack, and mmlth itself (editable). Run again, it does nothing unless a version has changed.
#
#   tools/setup/setup.sh openmmlab .venv
#   tools/setup/setup.sh onedl .venv-onedl
#
# mmcv is compiled (about 7 minutes on 2 cores) once a machine: its wheel is kept in
# ${MMLTH_CACHE:-~/.cache/mmlth}, under the versions of Python, torch and mmcv it was built for.
set -euo pipefail

stack=${1:?usage: setup.sh openmmlab|onedl VENV}
venv=${2:?usage: setup.sh openmmlab|onedl VENV}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
pins=$here/$stack.txt
[ -f "$pins" ] || { echo "setup: unknown stack '$stack': expected openmmlab or onedl" >&2; exit 2; }

case $stack in
  openmmlab)
    mmengine=mmengine mmcv=mmcv mmdet=mmdet mim=openmim mmpretrain=mmpretrain
    mmseg=mmsegmentation
    setuptools='setuptools>=70,<80'
    ;;
  onedl)
    mmengine=onedl-mmengine mmcv=onedl-mmcv mmdet=onedl-mmdetection mim=onedl-mim
    mmpretrain=onedl-mmpretrain mmseg=  # the fork of MMSegmentation is not checked
    setuptools='setuptools>=80,<82'  # torch excludes newer ones
    ;;
esac

stamp=$venv/.mmlth-setup
fingerprint=$(cat "$0" "$pins" "$root/setup.cfg" "$root/setup.py" "$root/pyproject.toml" | sha256sum | cut -d' ' -f1)-$root
if [ "$(cat "$stamp" 2>/dev/null)" = "$fingerprint" ]; then
  exit 0
fi

SECONDS=0
say() { printf '[setup %s, %3ds] %s\n' "$stack" "$SECONDS" "$*"; }
pip() { "$venv/bin/python" -m pip --disable-pip-version-check -q "$@"; }

find_python() {
  for candidate in "${PYTHON:-}" python3.11 python3; do
    if [ -n "$candidate" ] && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  echo "setup: Python 3.10 or newer is needed; set PYTHON to its path" >&2
  return 1
}

# opencv-python links against these two; a bare Debian has neither.
system_libraries() {
  local missing=()
  ldconfig -p | grep -q 'libGL\.so\.1' || missing+=(libgl1)
  ldconfig -p | grep -q 'libglib-2\.0\.so\.0' || missing+=(libglib2.0-0)
  [ ${#missing[@]} -gt 0 ] || return 0
  say "Debian packages for opencv: ${missing[*]}"
  if [ "$(id -u)" = 0 ]; then
    apt-get -qq update && apt-get -qq install -y "${missing[@]}" >/dev/null
  else
    echo "setup: please run: sudo apt-get install ${missing[*]}" >&2
    return 1
  fi
}

mmcv_wheel() {
  local key cache version
  version=$(sed -n "s/^$mmcv==//p" "$pins")
  key=$("$venv/bin/python" - <<'PY'
import platform, sys, torch
device = 'cuda' if torch.cuda.is_available() else 'cpu'
print(f'py{sys.version_info[0]}{sys.version_info[1]}-torch{torch.__version__}-{device}-{platform.machine()}')
PY
)
  cache=${MMLTH_CACHE:-$HOME/.cache/mmlth}/$mmcv-$version-$key
  if ! ls "$cache"/*.whl >/dev/null 2>&1; then
    say "compiling $mmcv $version with its operators (about 7 minutes on 2 cores)" >&2
    rm -rf "$cache.part"
    # torch looks for ninja on the PATH; without it one core compiles. Nobody debugs the operators.
    PATH="$(cd "$venv/bin" && pwd):$PATH" CFLAGS="-O3 -DNDEBUG -fwrapv -g0" \
      MMCV_WITH_OPS=1 MAX_JOBS=${MAX_JOBS:-$(nproc)} \
      pip wheel --no-cache-dir --no-build-isolation --no-deps --no-binary "$mmcv" \
      -w "$cache.part" "$mmcv==$version" >&2
    rm -rf "$cache" && mv "$cache.part" "$cache"
  fi
  ls "$cache"/*.whl
}

python=$(find_python)
say "into $venv: about 9 minutes the first time on 2 cores, 3 where the mmcv wheel is cached, 6 GB"
system_libraries
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
export PIP_CONSTRAINT=$pins
say "torch and build tools"
# mmcv's setup.py needs pkg_resources, which newer ones lack.
pip install -U pip 'setuptools>=70,<80' wheel ninja psutil cython numpy torch torchvision
say "$mmengine, $mmcv"
pip install "$mmengine" opencv-python
wheel=$(mmcv_wheel)
# A pin and a wheel file of the same name conflict in pip, so the wheel goes in without the pins.
env -u PIP_CONSTRAINT "$venv/bin/python" -m pip --disable-pip-version-check -q install --no-deps "$wheel"
say "$mmdet, mmpose, ${mmseg:+$mmseg, }mim"
if [ "$stack" = onedl ]; then
  pip install --no-build-isolation --no-binary xtcocotools xtcocotools
fi
pip install "$mmdet" ${mmseg:+"$mmseg"} json-tricks munkres xtcocotools scipy matplotlib pillow pycocotools
pip install "$mim"
# What some configs of the zoos need, for tools/zoo and its tests; mmlth needs none of it.
pip install --no-deps "$mmpretrain"
pip install einops modelindex mat4py importlib-metadata scikit-image scikit-learn lap motmetrics
pip install --no-deps mmpose # chumpy, which mmpose asks for but does not import, cannot be built
# openxlab, which openmim pulls in, asks for setuptools 60: too old for editable installs. onedl-mim
# asks for 80; the packages of the other stack need pkg_resources.
pip install "$setuptools"
say "mmlth"
pip install --no-build-isolation -e "$root[dev]"
"$venv/bin/python" - <<'PY'
import mmcv.ops, mmdet, mmengine, mmpose, numpy, torch, torchvision
print(f'  torch {torch.__version__}, numpy {numpy.__version__}, mmengine {mmengine.__version__}, '
      f'mmcv {mmcv.__version__}, mmdet {mmdet.__version__}, mmpose {mmpose.__version__}')
PY
echo "$fingerprint" >"$stamp"
say "ready"
