#!/usr/bin/env bash
# Debian's chromium, for the tests of pages in a browser. Where it cannot be had, those tests are
# skipped, no more.
set -euo pipefail
if command -v chromium >/dev/null; then
  exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  exit 0
fi
echo '[setup] Debian package chromium, for pages in a browser'
if ! { timeout 100 apt-get -qq update && DEBIAN_FRONTEND=noninteractive \
  timeout 300 apt-get -qq install -y --no-install-recommends chromium; } >/dev/null 2>&1; then
  echo '[setup] it cannot be had; tests of pages in a browser will be skipped'
fi
