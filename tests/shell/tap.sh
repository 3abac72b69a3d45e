# Sourced by the shell tests: a few TAP helpers, a scratch folder as working directory, the built programs on PATH.
# shellcheck shell=bash

set -u
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BIN=${BIN:-build/bin}
case $BIN in /*) ;; *) BIN=$TOP/$BIN ;; esac
ESPALIER_DATA=${ESPALIER_DATA:-data/cache}
case $ESPALIER_DATA in /*) ;; *) ESPALIER_DATA=$TOP/$ESPALIER_DATA ;; esac
export ESPALIER_DATA PATH="$BIN:$BIN/data:$PATH"
SCRATCH=$(mktemp -d)
# A background job that is killed before it has become its program is a copy of this shell, and must leave the folder.
trap '[ "$BASHPID" != $$ ] || rm -rf "$SCRATCH"' EXIT
cd "$SCRATCH" || exit 1

tap_count=0 tap_failed=0
not_ok() {
  tap_failed=$((tap_failed + 1))
  echo "not ok $tap_count - $1"
}

# ok NAME COMMAND...: passes when the command succeeds.
ok() {
  local name=$1
  shift
  tap_count=$((tap_count + 1))
  if "$@" >tap.out 2>tap.err; then
    echo "ok $tap_count - $name"
  else
    not_ok "$name"
    { echo "command: $*"; head -c 2000 tap.out tap.err; } | sed 's/^/# /'
  fi
}

# exits CODE NAME COMMAND...: passes when the command ends with that exit code and, where it fails, says one line at most.
exits() {
  local want=$1 name=$2 got
  shift 2
  tap_count=$((tap_count + 1))
  "$@" >tap.out 2>tap.err </dev/null
  got=$?
  if [ "$got" = "$want" ] && { [ "$want" -le 1 ] || [ "$(grep -cv '^WARNING' tap.err)" -le 1 ]; }; then
    echo "ok $tap_count - $name"
  else
    not_ok "$name"
    { echo "command: $*"; echo "exit $got, expected $want"; head -c 2000 tap.err; } | sed 's/^/# /'
  fi
}

# says PATTERN: the last command of ok or exits wrote that to standard output or standard error.
says() {
  tap_count=$((tap_count + 1))
  if grep -qE -- "$1" tap.out tap.err; then
    echo "ok $tap_count - ... and says: $1"
  else
    not_ok "... and says: $1"
    head -c 2000 tap.out tap.err | sed 's/^/# /'
  fi
}

# cell ROW NAME FILE: of the first table in it; row 1 is the header, "last" the end.
cell() { awk -F'\t' -v row="$1" -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } /^$/ { exit } { last = $at[name] } NR == row { found = 1; exit } END { if (found || row == "last") print last }' "$3"; }
# above A B: A > B, as numbers.
above() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a != "" && b != "" && a + 0 > b + 0) }'; }

# skip NAME WHY: counted, visible.
skip() {
  tap_count=$((tap_count + 1))
  echo "ok $tap_count - $1 # SKIP $2"
}

# has_data NAME FILE: true where a public data set is there; else the test counts as skipped.
has_data() {
  [ -e "$ESPALIER_DATA/$2" ] && return 0
  skip "$1" "no $2 under ESPALIER_DATA"
  return 1
}

done_testing() { echo "1..$tap_count"; }
