#!/usr/bin/env bash
# A search as a Slurm job that comes back by itself when it is preempted or its time is over.
#
#   tools/slurm_train.sh PARTITION JOB CONFIG [WORK_DIR] [ARGS of mmlth train]
#
# Environment:
#   GPUS           processes, over all machines (8)
#   GPUS_PER_NODE  processes on each machine, one a GPU (8, or GPUS if fewer); 0: on CPUs
#   CPUS_PER_TASK  CPUs of each process (5)
#   SBATCH_ARGS    more options of the job, such as '--time=4:00:00 --qos=long'
#   SRUN_ARGS      more options of srun
#   PY_ARGS        more options of mmlth train
#
# Outside of a job it submits itself, inside one (of its own, or of salloc) it trains. The search is
# told by SIGUSR1 two minutes before the time is over, saves its state, and exits with 75; the job
# then goes back into the queue. It always resumes what work_dir holds.
set -euo pipefail
if [ $# -lt 3 ]; then
  echo 'usage: slurm_train.sh PARTITION JOB CONFIG [WORK_DIR] [ARGS of mmlth train]' >&2
  exit 2
fi
gpus=${GPUS:-8}
if ! [[ $gpus =~ ^[1-9][0-9]*$ && ${GPUS_PER_NODE:-0} =~ ^[0-9]+$ ]]; then
  echo "GPUS and GPUS_PER_NODE are numbers, got '$gpus' and '${GPUS_PER_NODE:-}'" >&2
  exit 2
fi
per_node=${GPUS_PER_NODE:-$((gpus < 8 ? gpus : 8))}

if [ -z "${SLURM_JOB_ID:-}" ]; then
  place=()
  if [ "$per_node" -gt 0 ]; then
    place=(--gres="gpu:$per_node" --ntasks-per-node="$per_node")
  fi
  # shellcheck disable=SC2086  # these hold several options
  exec sbatch --partition="$1" --job-name="$2" --ntasks="$gpus" "${place[@]}" \
    --cpus-per-task="${CPUS_PER_TASK:-5}" --requeue --open-mode=append --signal=USR1@120 \
    ${SBATCH_ARGS:-} "$0" "$@"
fi

config=$3
shift 3
if [ $# -gt 0 ] && [[ $1 != -* ]]; then
  set -- --work-dir "$@"
fi
# Jobs may share a machine, so each has a port of its own.
export MASTER_PORT=${MASTER_PORT:-$((20000 + SLURM_JOB_ID % 10000))}
# Newer Slurm does not hand the job's CPUs a task on to its steps.
code=0
# shellcheck disable=SC2086
srun --ntasks="$gpus" --cpus-per-task="${CPUS_PER_TASK:-5}" --kill-on-bad-exit=1 ${SRUN_ARGS:-} \
  "${PYTHON:-python}" -u -m mmlth train "$config" --launcher slurm --resume "$@" ${PY_ARGS:-} ||
  code=$?
# 138: the signal came while Python was still starting.
if [ $code = 138 ]; then
  echo "slurm_train.sh: the signal came before mmlth had started; if that happens again and again," \
    'give a longer --time: it has to hold for the start, and for what --signal leaves (120 s)' >&2
fi
if [ $code = 75 ] || [ $code = 138 ]; then
  echo "slurm_train.sh: that is no failure; job $SLURM_JOB_ID goes back into the queue" >&2
  scontrol requeue "$SLURM_JOB_ID"
fi
exit $code
