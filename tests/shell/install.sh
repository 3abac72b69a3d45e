#!/usr/bin/env bash
# What is installed under other names speaks of itself by these names, and a source archive makes itself again.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"

mapfile -t tools < <(cd "$TOP/tools" && printf '%s\n' *.cpp | sed 's/\.cpp$//')
names=$(IFS='|'; echo "${tools[*]}")
(cd "$TOP" && tests/install install "$SCRATCH/root" /usr /usr/share/man e- "$BIN" "${tools[@]}")
pages=(root/usr/share/man/man*/*)
commands() {
  awk '/^\.Bd -literal/ { block = 1; next } /^\.Ed/ { block = 0 } /^\.D1|^\.Dl / { sub(/^\.D[1l] /, ""); print; next } block' "$@"
}

ok "headings and references name the installed programs" eval '! grep -nE "(Nm|Xr) ($names)( |\$)" "${pages[@]}"'
ok "so do examples" eval '! commands "${pages[@]}" | grep -nE "(^|[|&;(] *|exec )($names)( |\$)"'
ok "... which there are" eval 'commands "${pages[@]}" | grep -qE "^e-qsne .*\| e-knn-eval "'
same=1
for page in "${pages[@]}"; do
  given=$TOP/man/$(basename "$page" | sed 's/^e-//')
  sed -E "s/e-($names)( |\$)/\1\2/g; s/^\.Dt E-/.Dt /" "$page" | diff - "$given" || same=0
done
ok "nothing else of a page changes" test $same = 1
(cd "$TOP" && tests/install install "$SCRATCH/plain" /usr /usr/share/man "" "$BIN" "${tools[@]}")
ok "without other names the pages stay as they are" cmp "$TOP/man/prune.1" plain/usr/share/man/man1/prune.1

mkdir source
tar -C "$TOP" --exclude=./.git --exclude=./build --exclude=./demo --exclude=./data/cache --exclude=./experiments -c . | tar -C source -x
ok "an unpacked archive makes an archive" make -s -C source dist
mkdir again && tar -C again -xzf source/espalier-*.tar.gz
rm -r source/espalier-*.tar.gz source/build
ok "... of the same files" diff -r source again/espalier-*
done_testing
