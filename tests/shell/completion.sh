#!/usr/bin/env bash
# Completions of every program, as bash and zsh would ask for them, and as they are installed.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"

# What bash completes at the end of these words, the last of which is begun: one a line, sorted; then FILES where it
# leaves that to readline. compopt works only while a user waits; here it is a function that takes note.
completed() {
  COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=() files=
  compopt() { [ "$*" = "-o default" ] && files=FILES; }
  "_espalier_${1//[^a-zA-Z0-9]/_}"
  printf '%s\n' "${COMPREPLY[@]}" "$files" | sed '/^$/d' | sort
}
gives() { [ "$(completed "${@:2}")" = "$(tr ' ' '\n' <<<"$1" | sort)" ] || { completed "${@:2}"; return 1; }; }

# The line of --help for each option: its names, then what its value is.
options() { "$1" --help | grep -E '^  (-., |    )--'; }

# Every option of --help that takes words in a choice completes those words, and every FILE files.
values_complete() {
  local names value
  while read -r names value; do
    case $value in
      '' | ' '*) continue ;;
      *FILE*) completed "$1" "$names" "" | grep -qx FILES || { echo "$names completes no files"; return 1; } ;;
      [a-z0-9]*'|'*) gives "${value//|/ }" "$1" "$names" "" || return 1 ;;
    esac
  done < <("$1" --help | sed -nE 's/^  (-., |    )(--[a-z0-9-]+) ?([^ ]*).*/\2 \3/p')
}
# shellcheck disable=SC1090
sourced() { bash -c "set -eu; . ./$1.bash; complete -p $1" && . "./$1.bash"; }

for source in "$TOP"/tools/*.cpp; do
  tool=$(basename "$source" .cpp)
  "$tool" --completion bash >"$tool.bash"
  "$tool" --completion zsh >"_$tool"
  ok "$tool: bash takes its completion" sourced "$tool"
  options "$tool" | sed -E 's/^[ ]*(-., )?(--[a-z0-9-]+).*/\2/' | sort >help.list
  completed "$tool" - >completed.list
  ok "$tool: a dash completes the options of --help, and no others" diff help.list completed.list
  ok "$tool: values complete what --help says of them" values_complete "$tool"
  ok "$tool: the operand and -j complete files and nothing" eval "gives FILES $tool '' && gives '' $tool -j ''"
done
exits 64 "there are completions for two shells" qsne --completion fish

ok "a word that is begun is completed" gives cosine qsne --metric cos
ok "so is one behind an equals sign" gives cosine qsne --metric = cos
ok "and an empty one behind it" gives "euclidean cosine correlation" qsne --metric =
ok "... also where bash does not break words at it" gives --metric=cosine qsne --metric=cos
touch resnet18.json maps.h5
ok "... and files" gives "--output=maps.h5 FILES" qsne --output=map
ok "an architecture is a stock name, or a file" gives "resnet18 resnet18-w8 resnet18.json FILES" net-train --arch resnet18

# Zsh is asked through a terminal of its own, as a user would: a beginning, then the tabulator, which shows the line.
if command -v zsh >/dev/null; then
  cat >ask.zsh <<'END'
zmodload zsh/zpty || exit 1
zpty ask zsh -f -i
zpty -w ask "PS1=; fpath=($PWD \$fpath); autoload -U compinit; compinit -u -D"
zpty -w ask 'show() { zle complete-word; print -r -- $BUFFER >part; mv part answer }; zle -N show; bindkey "^I" show'
for line in "$@"; do
  rm -f answer
  zpty -w -n ask "$line"$'\t'
  for ((i = 0; i < 100; i++)) { [[ ! -e answer ]] || break; sleep 0.1 }
  cat answer
  zpty -w -n ask $'\x15'
done
END
  : >begun
  : >expected
  expect() { echo "$1" >>begun; echo "$2" >>expected; }
  for source in "$TOP"/tools/*.cpp; do
    tool=$(basename "$source" .cpp)
    expect "$tool --verb" "$tool --verbose "
    expect "$tool map" "$tool maps.h5 "
  done
  expect "qsne --metric cos" "qsne --metric cosine "
  expect "qsne --metric=cos" "qsne --metric=cosine "
  expect "qsne -o map" "qsne -o maps.h5 "
  expect "net-train --arch alexn" "net-train --arch alexnet-mini "
  expect "net-train --arch map" "net-train --arch maps.h5 "
  mapfile -t lines <begun
  timeout 120 zsh -f ask.zsh "${lines[@]}" >answers </dev/null 2>&1
  ok "zsh completes options, words and files of every program" diff <(sed 's/ $//' expected) <(sed 's/ $//' answers)
else
  skip "zsh completes options, words and files" "no zsh"
fi

(cd "$TOP" && tests/install install "$SCRATCH/root" /usr /usr/share/man e- "$BIN" qsne tensor-import)
ok "installed completions are for the installed name" \
  grep -qx 'complete -F _espalier_e_qsne e-qsne' root/usr/share/bash-completion/completions/e-qsne
ok "zsh's, too" grep -qx '#compdef e-tensor-import' root/usr/share/zsh/site-functions/_e-tensor-import
(cd "$TOP" && tests/install uninstall "$SCRATCH/root" /usr /usr/share/man e- "$BIN" qsne tensor-import)
ok "uninstalling takes them away" eval '[ -z "$(find root -type f)" ]'
done_testing
