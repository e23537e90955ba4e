#!/usr/bin/env bash
# Makes the virtual environment that `make site` builds the site in: Sphinx, and no torch. Run
# again, it does nothing unless setup.cfg has changed.
#
#   tools/setup/site.sh .venv-docs
set -euo pipefail

venv=${1:?usage: site.sh VENV}
root=$(cd "$(dirname "$0")/../.." && pwd)
stamp=$venv/.mmlth-setup
fingerprint=$(cat "$0" "$root/setup.cfg" | sha256sum | cut -d' ' -f1)
if [ "$(cat "$stamp" 2>/dev/null)" = "$fingerprint" ]; then
  exit 0
fi

echo "[setup] Sphinx into $venv: half a minute"
[ -x "$venv/bin/python" ] || "${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/python" -m pip --disable-pip-version-check -q install "$root[docs]"
echo "$fingerprint" >"$stamp"
