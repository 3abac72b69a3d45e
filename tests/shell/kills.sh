# Sourced after tap.sh: a run that is stopped and killed at random moments, and restarted with the same command line.
# shellcheck shell=bash disable=SC2034

kills=0   # that hit a run, over the whole script
orphans=0 # unfinished files left by SIGKILL, which nothing can catch

# The long-running tools on small jobs, from a folder beside their inputs: one line each, and then what else goes another way.
network="--arch resnet20 --width x0.1"
pruning="prune --quiet --data ../figures.h5 --samples 32 --batch 32 --max-rounds 2 --max-loss-increase 9"
planting="plant --quiet --data ../figures.h5 --shortlist 2 --samples 32 --max-rounds 2 --min-gain -1000"
long_runs=(
  "qsne --quiet --checkpoint-every 50 -q 1.5,2 --iterations 500 ../blobs.h5 -o map.h5"
  "net-train --quiet $network --epochs 12 ../figures.h5 -o net.h5 --log log.tsv"
  "sparsify --quiet $network --epochs 6 --lambda 1e-4,1e-3 ../figures.h5 -o sparse-{lambda}.h5"
  "$pruning --epochs 2 --finish 2 --compensate mean ../net.h5 -o pruned.h5"
  "$planting --epochs 1 --finish 3 --teacher ../net.h5 ../net.h5 -o grown.h5 --log log.tsv"
)
longer_runs=(
  "qsne --quiet --checkpoint-every 50 --scale-search --snapshots 100 --iterations 800 ../blobs.h5 -o map.h5"
  "qsne --quiet --checkpoint-every 50 -q auto --iterations 200 --report report.json ../blobs.h5 -o map.h5"
  "qsne --quiet --checkpoint-every 50 --dims 1 --early-stop --iterations 1000 ../blobs.h5 -o map.h5"
  "qsne --quiet --checkpoint-every 20 --dims 3 --repulsion exact --iterations 300 ../blobs.h5 -o map.h5"
  "qsne --quiet --transform ../map.h5 ../blobs.h5 -o placed.h5"
  "net-train --quiet $network --epochs 12 --validation 0.2 --mixup 0.2 --optimizer adamw --rate 0.001 ../figures.h5 -o net.h5"
  "net-train --quiet --from ../net.h5 --teacher ../net.h5 --checkpoint-every 3 --epochs 12 ../figures.h5 -o net.h5"
  "sparsify --quiet $network --epochs 9 --solver prox --lambda 1e-3 ../figures.h5 -o sparse.h5 --log log.tsv --report report.json"
  "$pruning --epochs 2 --finish 2 --validation 0.2 --checkpoint-every 2 --distill --scope all ../net.h5 -o pruned.h5"
  "$pruning --epochs 0 --finish 6 --optimizer adamw --rate 0.001 ../net.h5 -o pruned.h5"
  "$planting --epochs 2 --init gradmax --draws 2 --scope all ../net.h5 -o grown.h5 --report report.json"
)

# long_inputs SEED: what those lines read.
long_inputs() {
  blobs --samples 400 --dims 8 --clusters 4 --seed "$1" --quiet -o blobs.h5
  figures --samples 300 --test 60 --size 8 --seed "$1" --quiet -o figures.h5
  # shellcheck disable=SC2086
  net-train --quiet $network --epochs 2 --seed "$1" figures.h5 -o net.h5
  qsne --quiet --iterations 50 blobs.h5 -o map.h5
}

# in_folder FOLDER COMMAND...: becomes that command there, with a file of what it prints, for a ( ) or a process in the background, which signals then reach.
in_folder() {
  cd "$1" || exit 1
  shift
  exec "$@" >printed
}

# moment SECONDS: a random one of so many seconds.
moment() { awk -v most="$1" -v at=$RANDOM 'BEGIN { print most * at / 32767 }'; }

# killed_until_done "SIGNAL..." MOST COMMAND...: runs COMMAND in a folder of its own (its inputs are ../FILE), then again in
# another folder, where a signal ends it at a random moment within half of the first run's time, MOST times at most. The
# files left at the end must be the same, byte for byte and name for name.
killed_until_done() {
  local signals most=$2 hits=0 signal status seconds
  read -ra signals <<<"$1"
  shift 2
  rm -rf uninterrupted killed
  mkdir uninterrupted killed
  seconds=${EPOCHREALTIME/./}
  (in_folder uninterrupted "$@") || return 1
  seconds=$(awk -v us=$((${EPOCHREALTIME/./} - seconds)) 'BEGIN { print us / 2e6 }')
  status=75
  while [ $status != 0 ] && [ $hits -lt "$most" ]; do
    signal=${signals[RANDOM % ${#signals[@]}]}
    in_folder killed "$@" &
    sleep "$(moment "$seconds")"
    kill "-$signal" $! 2>/dev/null
    wait $! 2>/dev/null
    status=$?
    case $status in
      0) ;;
      75 | $((128 + $(kill -l "$signal")))) hits=$((hits + 1)) ;;
      *) echo "exit $status after SIG$signal"; return 1 ;;
    esac
    if [ "$signal" = KILL ]; then forget_orphans killed; fi
    whole_or_absent || { echo "a part of a file after SIG$signal"; return 1; }
  done
  kills=$((kills + hits))
  [ $status = 0 ] || (in_folder killed "$@") || return 1
  same_files "$1"
}

# interrupted_by DISASTER COMMAND...: beside the last uninterrupted run, another, which meets with `DISASTER PROCESS
# COMMAND...` when it has its first checkpoint, and is restarted until it ends in the same files.
interrupted_by() {
  local disaster=$1
  shift
  rm -rf killed
  mkdir killed
  in_folder killed "$@" 2>err &
  until [ -n "$(find killed -name '*.ckpt')" ]; do kill -0 $! 2>/dev/null || break; done
  "$disaster" $! "$@" && (in_folder killed "$@") && same_files "$1"
}

# same_files TOOL: in both folders. The table that prune prints has times.
same_files() {
  if [ "$1" = prune ]; then rm -f uninterrupted/printed killed/printed; fi
  diff -r uninterrupted killed
}

# Each result that there is already is the whole one. Tables grow with the run.
whole_or_absent() {
  local file
  for file in killed/*.h5; do
    [ ! -e "$file" ] || cmp "$file" "uninterrupted/${file#*/}" || return 1
  done
}

forget_orphans() {
  local file
  for file in "$1"/.[!.]*; do
    [ -e "$file" ] || continue
    orphans=$((orphans + 1))
    rm "$file"
  done
}
