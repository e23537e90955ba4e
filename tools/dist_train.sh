#!/usr/bin/env bash
# A search by several processes, one a GPU; on a machine without GPUs they compute on its CPUs.
#
#   tools/dist_train.sh CONFIG GPUS [ARGS of mmlth train]
#
# On several machines run it once on each, with NNODES, NODE_RANK (0, 1, …), MASTER_ADDR (the first
# machine) and PORT in the environment.
set -euo pipefail
if [ $# -lt 2 ] || ! [[ $2 =~ ^[1-9][0-9]*$ ]]; then
  echo "usage: dist_train.sh CONFIG GPUS [ARGS of mmlth train]; GPUS is a number, got '${2:-}'" >&2
  exit 2
fi

exec "${PYTHON:-python}" -m torch.distributed.run \
  --nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}" --nproc_per_node="$2" \
  --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="${PORT:-29500}" \
  -m mmlth train "$1" --launcher pytorch "${@:3}"
