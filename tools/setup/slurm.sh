#!/usr/bin/env bash
# Debian's Slurm, for tests/slurm. Where it cannot be had, those tests are skipped, no more.
set -euo pipefail
if command -v slurmctld >/dev/null && command -v munged >/dev/null; then
  exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  exit 0
fi
echo '[setup] Debian packages slurm-wlm and munge, for tests/slurm'
if ! { timeout 100 apt-get -qq update && DEBIAN_FRONTEND=noninteractive \
  timeout 300 apt-get -qq install -y --no-install-recommends slurm-wlm munge; } >/dev/null 2>&1; then
  echo '[setup] they cannot be had; tests/slurm will be skipped'
fi
