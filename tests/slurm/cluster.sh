#!/usr/bin/env bash
# A Slurm cluster of one machine on loopback, all its state in one folder; needs root.
#
#   tests/slurm/cluster.sh up FOLDER PORT     # then: export SLURM_CONF=FOLDER/slurm.conf
#   tests/slurm/cluster.sh down FOLDER
set -euo pipefail
usage='usage: cluster.sh up FOLDER PORT, or cluster.sh down FOLDER'
command=${1:?$usage}
folder=${2:?$usage}
export SLURM_CONF=$folder/slurm.conf

# Waits up to 15 seconds until a command succeeds.
wait_until() {
  for _ in $(seq 75); do
    if "$@" 2>/dev/null; then
      return
    fi
    sleep 0.2
  done
  return 1
}

is_idle() { [ "$(sinfo --noheader --format=%T)" = idle ]; }
# Where process 1 does not collect them, processes that have ended stay as zombies.
is_gone() { ! kill -0 "$1" || grep -q '^State:.Z' "/proc/$1/status"; }

up() {
  local port=$1 host
  host=$(hostname -s)
  mkdir -p "$folder/ctld" "$folder/d"
  chmod 755 "$folder"
  dd if=/dev/urandom of="$folder/munge.key" bs=1024 count=1 status=none
  chmod 600 "$folder/munge.key"
  munged --socket="$folder/munge.socket" --key-file="$folder/munge.key" \
    --pid-file="$folder/munged.pid" --log-file="$folder/munged.log" --seed-file="$folder/munge.seed"
  cat >"$SLURM_CONF" <<CONF
ClusterName=loopback
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=root
# A requeued job waits until its credential has expired.
AuthInfo=socket=$folder/munge.socket,cred_expire=5
AuthType=auth/munge
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
JobAcctGatherType=jobacct_gather/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SchedulerParameters=sched_interval=1,batch_sched_delay=0
StateSaveLocation=$folder/ctld
SlurmdSpoolDir=$folder/d
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
# More CPUs than the machine may have, so that two processes fit on any.
SlurmdParameters=config_overrides
NodeName=$host NodeAddr=127.0.0.1 CPUs=4 State=UNKNOWN
PartitionName=debug Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
  printf 'CgroupPlugin=cgroup/v1\nCgroupAutomount=no\n' >"$folder/cgroup.conf"
  slurmctld
  slurmd
  if ! wait_until is_idle; then
    echo "the cluster did not come up; its logs are in $folder" >&2
    tail -n 5 "$folder"/*.log >&2
    exit 1
  fi
}

down() {
  scancel --partition=debug 2>/dev/null || true
  wait_until is_idle || true
  for daemon in slurmd slurmctld munged; do
    if [ -f "$folder/$daemon.pid" ]; then
      local pid
      pid=$(cat "$folder/$daemon.pid")
      kill "$pid" 2>/dev/null || true
      wait_until is_gone "$pid" || kill -9 "$pid"
    fi
  done
}

case $command in
  up) up "${3:?$usage}" ;;
  down) down ;;
  *)
    echo "$usage" >&2
    exit 2
    ;;
esac
