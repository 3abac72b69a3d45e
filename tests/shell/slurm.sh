#!/usr/bin/env bash
# The job scripts of data/slurm under a Slurm of one node, which is started here, in a folder of its own, and stopped.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"

lacking() {
  skip "job scripts run under Slurm" "$1"
  done_testing
  exit 0
}
[ "${MODE:-release}" = release ] || lacking "the clock of a scheduler does not wait for $MODE"
PATH=$PATH:/usr/sbin:/sbin
for program in munged slurmctld slurmd sbatch squeue scontrol scancel; do
  command -v $program >/dev/null || lacking "no $program"
done

# Daemons run in the foreground, so that what is ended is what was started.
daemons=()
stop_all() {
  if [ -e slurm.conf ]; then # a job that outlives the daemons would run on
    scancel --quiet --user "$(id -un)" 2>/dev/null
    waits 40 eval '! squeue -h | grep -q .'
  fi
  for ((i = ${#daemons[@]} - 1; i >= 0; --i)); do
    kill "${daemons[i]}" 2>/dev/null
    wait "${daemons[i]}" 2>/dev/null
  done
  rm -rf "$SCRATCH"
}
trap stop_all EXIT
start() {
  local name=$1
  shift
  "$@" >"$name.log" 2>&1 &
  daemons+=($!)
}
# waits SECONDS COMMAND...: until it succeeds.
waits() {
  local until=$((SECONDS + $1))
  shift
  while ! "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $until ] || return 1
    sleep 0.2
  done
}

mkdir -m 755 munge state spool
dd if=/dev/urandom of=munge/key bs=1024 count=1 2>/dev/null
chmod 600 munge/key
port=$((20000 + RANDOM % 20000))
host=$(hostname -s)
cat >slurm.conf <<END
ClusterName=here
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$SCRATCH/munge/socket,cred_expire=5
CredType=cred/munge
StateSaveLocation=$SCRATCH/state
SlurmdSpoolDir=$SCRATCH/spool
SlurmctldPidFile=$SCRATCH/slurmctld.pid
SlurmdPidFile=$SCRATCH/slurmd.pid
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=100000
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
export SLURM_CONF=$SCRATCH/slurm.conf
start munged munged -F --force --key-file="$PWD/munge/key" --socket="$PWD/munge/socket" \
  --log-file="$PWD/munge/log" --pid-file="$PWD/munge/pid" --seed-file="$PWD/munge/seed"
waits 10 test -S munge/socket || lacking "munged does not start: $(tail -n 1 munged.log)"
start slurmctld slurmctld -D -i -f "$SLURM_CONF"
start slurmd slurmd -D -f "$SLURM_CONF" -N "$host"
waits 30 sh -c 'sinfo -h -o %t | grep -qx idle' || lacking "Slurm does not start: $(grep -h error slurm*.log | tail -n 1)"

blobs --samples 200 --dims 10 --clusters 4 --quiet -o samples.h5
seq 600 | awk '{ for (i = 0; i < 64; ++i) printf "%d,", ($1 * 7 + i * $1) % 17; print $1 % 3 }' >numbers.csv
tensor-import numbers.csv --label last -o images.h5 --quiet
options=(--parsable --cpus-per-task=1 --mem=0)
ended() { ! squeue -h -j "$1" -t pending,running,completing,configuring,suspended -o %i 2>/dev/null | grep -q .; }
field() { scontrol show job "$1" | grep -oE "\b$2=[^ ]*" | head -n 1 | cut -d= -f2; }


# The words of a command, none of which has blanks.
train() { echo net-train --quiet --arch resnet20 --width x0.25 --epochs "$1" --batch 16 images.h5 -o "$2"; }
# shellcheck disable=SC2046
submit_train() { sbatch "${options[@]}" --time=5 "$TOP/data/slurm/train.sbatch" $(train 800 "$1"); }
running() { squeue -h -j "$1" -t running -o %i | grep -q .; }

# Beside all that follows: a run longer than its limit of a minute, of which Slurm warns it at once (within the half
# minute in which it looks).
# shellcheck disable=SC2034,SC2046
limited=$(sbatch "${options[@]}" --time=1 --signal=B:USR1@60 "$TOP/data/slurm/train.sbatch" $(train 90000 limited.h5))
# shellcheck disable=SC2091
$(train 800 whole.h5)

# An array over q, in turns: the second time it makes only what lacks.
submit_sweep() { sbatch "${options[@]}" --array=0-2 "$TOP/data/slurm/sweep.sbatch" samples.h5 maps 1.5 2 2.5; }
sweep=$(submit_sweep)
ok "an array over q ends" waits 60 ended "$sweep"
for q in 1.5 2 2.5; do qsne --quiet -j 1 -q $q --only -o "q-$q.h5" samples.h5; done
ok "its maps are those of the shell" eval 'for q in 1.5 2 2.5; do cmp q-$q.h5 maps/q-$q.h5; done'
ok "its logs tell time and memory" grep -q "MiB peak memory" "sweep-${sweep}_1.log"
rm maps/q-2.h5
touch -d 2000-01-01 maps/q-1.5.h5
sweep=$(submit_sweep)
ok "the same array again ends" waits 60 ended "$sweep"
ok "... having made the map that lacked" cmp q-2.h5 maps/q-2.h5
ok "... and no other" eval '[ "$(date -r maps/q-1.5.h5 +%Y)" = 2000 ]'

# A training that Slurm warns is queued again, and its network is that of a run in one piece.
job=$(submit_train warned.h5)
waits 30 running "$job"
sleep 1
ok "a warning reaches the script" scancel --signal=USR1 --batch "$job"
ok "the job is queued again, with a checkpoint" waits 30 test -e warned.h5.ckpt
ok "... and ends" waits 90 eval '[ -e warned.h5 ] && ended "$job"'
ok "it was started again" eval '[ "$(field "$job" Restarts)" -ge 1 ] && [ "$(field "$job" JobState)" = COMPLETED ]'
ok "its network is that of a run in one piece" cmp whole.h5 warned.h5
ok "... and its checkpoint is gone" test ! -e warned.h5.ckpt

job=$(submit_train cancelled.h5)
waits 30 running "$job"
sleep 1
ok "a job is cancelled" scancel --signal=TERM --batch "$job"
ok "it ends, is not queued again" waits 60 ended "$job"
ok "... with a checkpoint and exit 75" eval 'test -e cancelled.h5.ckpt && [ "$(field "$job" ExitCode)" = 75:0 ]'

job=$(submit_train no/such/folder/x.h5)
ok "a job that fails ends" waits 60 ended "$job"
ok "... with the tool's exit code, not queued again" eval '[ "$(field "$job" ExitCode)" = 74:0 ]'

ok "the time limit warns a minute ahead: a checkpoint, and the queue again" \
  waits 100 eval '[ -e limited.h5.ckpt ] && [ "$(field "$limited" Restarts)" -ge 1 ]'
done_testing
