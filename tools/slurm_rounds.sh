#!/usr/bin/env bash
# A search as a chain of Slurm jobs, one a round, so that none needs a long time limit.
#
#   tools/slurm_rounds.sh PARTITION JOB CONFIG ROUNDS [ARGS of mmlth train]
#
# ROUNDS is the number of pruning rounds; with the dense round that makes ROUNDS + 1 jobs. Each
# starts when the one before has succeeded; if one fails, those after it are cancelled. The
# environment is that of slurm_train.sh.
set -euo pipefail
if [ $# -lt 4 ] || ! [[ $4 =~ ^[1-9][0-9]*$ ]]; then
  echo "usage: slurm_rounds.sh PARTITION JOB CONFIG ROUNDS [ARGS of mmlth train];" \
    "ROUNDS is a number, got '${4:-}'" >&2
  exit 2
fi
if [ -n "${SLURM_JOB_ID:-}" ]; then
  echo "slurm_rounds.sh submits jobs and is not to be run inside one, which $SLURM_JOB_ID is" >&2
  exit 2
fi

chain=
for ((round = 0; round <= $4; round++)); do
  job=$(SBATCH_ARGS="${SBATCH_ARGS:-} --parsable $chain" \
    "$(dirname "$0")/slurm_train.sh" "$1" "$2" "$3" "${@:5}" --rounds "$4" --rounds-per-run 1)
  echo "round $round: job $job"
  chain="--dependency=afterok:${job%%;*} --kill-on-invalid-dep=yes"
done
