#!/usr/bin/env bash
# The contract of every program: help, version, exit codes, messages of one line. Nothing here lists the tools.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"

# shellcheck source=commands.sh
. "$TOP/tests/shell/commands.sh"

head -c 3000 map.h5 >truncated.h5
echo "just some words" >words.h5

closed_pipe() { "$@" 2>pipe.err | true; [ ! -s pipe.err ] || { cat pipe.err; return 1; }; }

# Under ever larger limits on memory the tool first cannot be loaded (127, or 130 where OpenBLAS gives up while loading;
# other releases of it ask for their buffer for ever), then says 71, then works; nothing else. The importers stream, so they
# work wherever they can be loaded.
under_memory_limit() {
  local limit status said=no
  for limit in 60 80 100 120 140 160 180 200 240 280 320 400 500 700; do
    (ulimit -v $((limit * 1000)); exec timeout 5 "$1" --version >limit.out 2>&1)
    [ $? != 124 ] || continue
    (ulimit -v $((limit * 1000)); exec timeout 60 "$@" >limit.out 2>limit.err </dev/null)
    status=$?
    case $status in
      71) said=yes ;;
      0 | 127 | 130) ;;
      *) echo "exit $status at $limit MB: $(cat limit.err)"; return 1 ;;
    esac
  done
  case $1 in tensor-import | tensor-export | net-train | sparsify | net-eval | net-plot | prune | plant) said=yes ;; esac
  [ $said = yes ]
}
help_on_stdout() { "$@" >help.out 2>help.err && [ -s help.out ] && [ ! -s help.err ]; }

for source in "$TOP"/tools/*.cpp; do
  tool=$(basename "$source" .cpp)
  read -ra more <<<"$(arguments "$tool")"
  good=$(good_input "$tool")
  page=$TOP/man/$tool.1
  ok "$tool --help goes to standard output, exit 0" help_on_stdout "$tool" --help
  ok "$tool -V goes to standard output, exit 0" help_on_stdout "$tool" -V
  exits 64 "$tool refuses an unknown option" "$tool" --no-such-option
  exits 64 "$tool refuses a number that is none" "$tool" -j two "$good"
  exits 66 "$tool says that a file is missing" "$tool" "${more[@]}" no-such-file.h5
  says "no-such-file.h5"
  exits 66 "... where the message finds no room, too" sh -c "$tool ${more[*]} no-such-file.h5 2>/dev/full"
  ok "$tool runs on where nobody can read its messages" sh -c "$tool ${more[*]} -v $good >unread 2>/dev/full && $tool ${more[*]} -v $good >unread 2>&-"
  if [ "$tool" != tensor-import ]; then
    exits 66 "$tool says that a directory is no file" "$tool" "${more[@]}" .
    exits 65 "$tool refuses a truncated file" "$tool" "${more[@]}" truncated.h5
    exits 65 "$tool refuses a truncated stream" sh -c "$tool ${more[*]} <truncated.h5"
    exits 65 "$tool refuses text instead of HDF5" "$tool" "${more[@]}" words.h5
    says "text"
    exits 65 "$tool refuses an empty stream" sh -c "$tool ${more[*]} </dev/null"
  fi
  exits 74 "$tool notices a full disk on standard output" sh -c "$tool ${more[*]} $good >/dev/full"
  ok "$tool is quiet where the reader has gone" closed_pipe "$tool" "${more[@]}" --quiet "$good"
  if [ "${MODE:-release}" = release ]; then
    ok "$tool says 71 where memory is short" under_memory_limit "$tool" "${more[@]}" "$good"
  else
    skip "$tool says 71 where memory is short" "sanitizers need more address space than any limit"
  fi
  if writes_files "$tool"; then
    exits 74 "$tool notices a full disk behind -o" "$tool" "${more[@]}" "$good" -o /dev/full
    exits 74 "$tool notices a folder that is not there" "$tool" "${more[@]}" "$good" -o no/such/folder/out.h5
    exits 74 "$tool refuses a directory as output" "$tool" "${more[@]}" "$good" -o .
    exits 64 "$tool refuses an output without a name" "$tool" "${more[@]}" "$good" -o ''
  fi

  # The option list of the page against --help, both ways.
  "$tool" --help | grep -oE '^  (-., |    )--[a-z0-9-]+' | grep -oE '[-][-][a-z0-9-]+' | sort >help.list
  sed -n '/^\.Sh DESCRIPTION/,/^\.Sh ENVIRONMENT/p' "$page" | grep -E '^\.It Fl ' | grep -oE 'Fl -[a-z0-9-]+' | sed 's/Fl -/--/' | sort -u >page.list
  ok "$tool.1 lists the options of --help and no others" diff help.list page.list
done
done_testing
