#!/usr/bin/env bash
# tests/fresh where no root can be made: one line that says why, exit 77, nothing left. Stand-ins: nothing is mounted.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"

mkdir fakes roots
fake() { printf '#!/bin/sh\n%s\n' "$2" >"fakes/$1" && chmod +x "fakes/$1"; }
fake id 'echo 0'
fake git 'exit 0'
fake mount 'exit 0'
fake unshare 'while :; do case $1 in -*) shift ;; *) exec "$@" ;; esac; done'
fake debootstrap 'echo "I: Retrieving InRelease"; echo "E: Failed getting release file"; exit 1'
fresh() { env PATH="$PWD/fakes:$PATH" FRESH_DIR="$PWD/roots" BUILD="$PWD/build" "$TOP/tests/fresh" "$@"; }
# skips WHY: in one line.
skips() {
  exits 77 "skipped: $1" fresh bookworm
  ok "... which it says in one line" test "$(cat tap.out tap.err | sed 's/^fresh bookworm.*: skipped: //')" = "$1"
  ok "... and nothing is left" rmdir roots
  mkdir roots
}

exits 64 "no release" fresh
exits 64 "no such release" fresh ../bookworm
skips "debootstrap fails: E: Failed getting release file"
ok "... and its log is kept" grep -q Retrieving build/fresh/bookworm/root
fake git 'echo "fatal: not a git repository"; exit 128'
skips "no clone: fatal: not a git repository"
fake mount 'exit 32'
skips "mounting is refused"
fake id 'echo 1000'
skips "only root makes a root"
done_testing
