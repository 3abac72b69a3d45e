#!/usr/bin/env bash
# Every long-running tool, stopped and killed at random moments and restarted, ends in the bytes of an uninterrupted run.
# `make soak` says the same at any length.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
# shellcheck source=kills.sh
. "$TOP/tests/shell/kills.sh"

# A disk that has no room for the next checkpoint, as a limit on the size of files says it: one line, the last one intact.
full_disk() {
  local checkpoint
  checkpoint=$(find killed -name '*.ckpt')
  prlimit --pid "$1" --fsize=1000 2>/dev/null || return 1
  wait "$1"
  [ $? = 74 ] && [ "$(wc -l <err)" = 1 ] && h5dump -H "$checkpoint" && [ -z "$(find killed -name '.*.*')" ]
}
# The same, but there is room again before the end: the run has gone on meanwhile, and needs no restart.
room_again() {
  prlimit --pid "$1" --fsize=1000:unlimited || return 1
  until grep -q 'the run goes on' err; do kill -0 "$1" || return 1; done
  prlimit --pid "$1" --fsize=unlimited && wait "$1" && same_files "$2"
}
goes_on() {
  rm -rf uninterrupted
  mkdir uninterrupted
  (in_folder uninterrupted "$@") && interrupted_by room_again "$@"
}
# Another run of the same command, which goes on from the checkpoint of the first and takes it away.
second_run() {
  local first=$1
  shift
  (in_folder killed "$@") && wait "$first"
}

RANDOM=${SEED:-1}
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"  # HDF5 itself forgets memory of a file that it cannot close
long_inputs 0
for command in "${long_runs[@]}"; do
  read -ra words <<<"$command"
  ok "${words[0]}: stopped again and again it ends in the same bytes" killed_until_done "TERM INT USR1" 4 "${words[@]}"
  ok "... and killed" killed_until_done KILL 4 "${words[@]}"
  ok "... and after a disk was full" interrupted_by full_disk "${words[@]}"
  ok "... and where two run at once" interrupted_by second_run "${words[@]}"
done
# shellcheck disable=SC2086
{
  ok "a run outlasts a full disk" goes_on qsne --checkpoint-every 50 --iterations 6000 ../blobs.h5 -o map.h5
  ok "... a training with its log" goes_on net-train $network --epochs 60 ../figures.h5 -o net.h5 --log log.tsv
}
# A tool without a checkpoint dies of the signal, and takes its unfinished file with it.
endless_import() {
  mkdir import
  mkfifo rows
  yes 1,2,3 >rows 2>/dev/null &
  tensor-import --quiet - -o import/out.h5 <rows &
  until [ -n "$(ls -A import)" ]; do kill -0 $! || return 1; done
  kill -TERM $!
  wait $!
  [ $? = 143 ] && [ -z "$(ls -A import)" ]
}
ok "a stopped import leaves nothing" endless_import
ok "the signals came while the tools ran" test $kills -ge 20
done_testing
