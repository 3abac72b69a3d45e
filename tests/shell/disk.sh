#!/usr/bin/env bash
# Every tool on a disk that is full or read-only, at slow and cut pipes, where files change under its hands: it ends as
# its exit code says, with one line at most, the old output intact and nothing left behind.
# shellcheck source-path=SCRIPTDIR source=tap.sh

# In a mount namespace of our own, where there may be one, small disks can be filled, and are gone when we are.
if [ -z "${OWN_MOUNTS:-}" ]; then
  for how in -m -rm; do
    unshare $how mount -t tmpfs none /mnt 2>/dev/null && OWN_MOUNTS=yes exec unshare $how bash "${BASH_SOURCE[0]}"
  done
fi
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
# shellcheck source=commands.sh
. "$TOP/tests/shell/commands.sh"

RANDOM=${SEED:-1}
why_no_disk="no tmpfs may be mounted here"
mkdir room closed twice cut
echo precious >old
if [ -n "${OWN_MOUNTS:-}" ]; then
  trap 'umount room closed; rm -rf "$SCRATCH"' EXIT
  mount -t tmpfs -o size=4m none room
  mount -t tmpfs none closed
  cp old closed/out
  mount -o remount,ro closed
fi

# told_once STATUS CODE...: it is one of these codes and, where it is a failure, standard error has one line.
told_once() {
  local got=$1
  shift
  [[ " $* " == *" $got "* ]] && [ "$(wc -l <err)" = $((got > 0)) ] && return
  echo "exit $got, $(wc -l <err) lines: $(head -c 500 err)"
  return 1
}

# left_as FOLDER FILE: its output is that file, and beside it there is nothing but a checkpoint for another try.
left_as() {
  [ "$2" = new ] || rm -f "$1/out.ckpt"
  ls -A "$1"
  [ "$(ls -A "$1")" = out ] && cmp "$1/out" "$2"
}

# with_more_room HOW COMMAND...: runs it by `HOW kB COMMAND... -o room/out` with ever more room: it says 74 and leaves the
# old output, until there is enough, and then the new one. HDF5 itself forgets memory of a file that it cannot close.
with_more_room() {
  local kb=0 how=$1 status=74
  local -x ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
  shift
  while [ $status != 0 ]; do
    [ $kb -lt 3000 ] || return 1
    echo "room for $kb kB"
    cp old room/out
    "$how" $kb "$@" -o room/out
    status=$?
    told_once $status 0 74 || return 1
    [ $status = 0 ] || grep -q 'room/out\b' err || { cat err; return 1; }
    left_as room "$([ $status = 0 ] && echo new || echo old)" || return 1
    kb=$((4 * kb + 6))
  done
  [ $kb -gt 6 ]
}
on_full_disk() {
  local kb=$1 status
  shift
  fallocate -l $((($(df --output=avail -k room | tail -n 1) - kb) * 1024)) room/filler
  "$@" >/dev/null 2>err
  status=$?
  rm room/filler
  return $status
}
# A limit on the size of a file, which is met with SIGXFSZ and EFBIG.
under_limit() {
  local kb=$1
  shift
  (ulimit -f "$kb"; exec "$@") 2>&1 >/dev/null | cat >err
  return "${PIPESTATUS[0]}"
}
read_only() {
  "$@" -o closed/out >/dev/null 2>err
  told_once $? 74 && left_as closed old
}

slow_pipes() { { head -c 900 "$good"; sleep 0.1; tail -c +901 "$good"; } | "$@" | { sleep 0.1; cat >slow; }; }
# The bytes that come out of pipes are those that go from file to pipe.
through_slow_pipes() {
  "$@" <"$good" >fast && slow_pipes "$@" 2>err && cmp fast slow
}
reader_gone_early() {
  "$@" "$good" 2>err | head -c 10 >/dev/null
  local status=${PIPESTATUS[0]}
  [[ $status = 0 || $status = 74 ]] && [ ! -s err ]
}

# In two folders with one name for the input, so that a history tells the same.
output_is_input() {
  rm -rf apart same && mkdir apart same && cp "$good" apart/in.h5 && cp "$good" same/in.h5 || return 1
  (cd apart && "$@" in.h5 -o out.h5) && (cd same && "$@" in.h5 -o in.h5) && cmp apart/out.h5 same/in.h5 && [ "$(ls -A same)" = in.h5 ]
}
two_at_once() {
  cp old twice/out
  "$@" -o twice/out >/dev/null 2>err &
  "$@" -o twice/out >/dev/null 2>err.second
  local second=$?
  cat err.second >>err
  told_once $second 0 && wait $! && left_as twice new
}

# The input loses its second half at some moment of the run, before or after it is read.
cut_while_read() {
  local size try status
  size=$(stat -c %s "$good")
  for try in 1 2 3; do
    cp "$good" cut.in
    cp old cut/out
    { sleep "0.0$((RANDOM % 6))"; truncate -s $((size / 2)) cut.in; } &
    "$@" cut.in -o cut/out >/dev/null 2>err
    status=$?
    wait
    told_once $status 0 65 || { echo "try $try"; return 1; }
    [ $status = 0 ] || left_as cut old || return 1
  done
}

for source in "$TOP"/tools/*.cpp; do
  tool=$(basename "$source" .cpp)
  read -ra more <<<"$(arguments "$tool")"
  good=$(good_input "$tool")
  command=("$tool" --quiet "${more[@]}")
  ok "$tool reads and writes slow pipes" through_slow_pipes "${command[@]}"
  ok "$tool is quiet where the reader goes early" reader_gone_early "${command[@]}"
  writes_files "$tool" || continue
  "${command[@]}" "$good" -o new >/dev/null
  if [ "${MODE:-release}" = tsan ]; then
    skip "$tool under a limit on the size of files" "the sanitizer itself does not start where it cannot write"
  else
    ok "$tool under a limit on the size of files" with_more_room under_limit "${command[@]}" "$good"
  fi
  if [ -n "${OWN_MOUNTS:-}" ]; then
    ok "$tool on a full disk" with_more_room on_full_disk "${command[@]}" "$good"
    ok "$tool in a read-only folder" read_only "${command[@]}" "$good"
  else
    skip "$tool on a full disk" "$why_no_disk"
    skip "$tool in a read-only folder" "$why_no_disk"
  fi
  ok "$tool: an output may be its own input" output_is_input "$tool" --quiet "${more[@]/map.h5/..\/map.h5}"
  ok "$tool: two runs with one output" two_at_once "${command[@]}" "$good"
  ok "$tool: an input that is cut while it is read" cut_while_read "${command[@]}"
done
done_testing
