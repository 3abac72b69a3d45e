#!/usr/bin/env bash
# Every long-running tool, stopped and killed at random moments and restarted, ends in the bytes of an uninterrupted run.
# `make soak` says the same at any length.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
# shellcheck source=kills.sh
. "$TOP/tests/shell/kills.sh"

RANDOM=${SEED:-1}
long_inputs 0
for command in "${long_runs[@]}"; do
  read -ra words <<<"$command"
  ok "${words[0]}: stopped again and again it ends in the same bytes" killed_until_done "TERM INT USR1" 4 "${words[@]}"
  ok "... and killed" killed_until_done KILL 4 "${words[@]}"
done
ok "the signals came while the tools ran" test $kills -ge 20
done_testing
