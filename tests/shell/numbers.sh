#!/usr/bin/env bash
# Every tool gives the same bytes for any number of threads, close numbers on any instruction set, the same numbers at any
# scale of the data that is a power of two, and no result at all where values are lost.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "$0")/tap.sh"
# shellcheck source-path=SCRIPTDIR source=kills.sh
. "$TOP/tests/shell/kills.sh"
# shellcheck source-path=SCRIPTDIR source=commands.sh
. "$TOP/tests/shell/commands.sh"
long_inputs 1

# Threads: small jobs of the long-running tools, then one command of every other.
for command in "${long_runs[@]}"; do
  read -ra words <<<"$command"
  rm -rf uninterrupted
  mkdir uninterrupted
  (in_folder uninterrupted "${words[@]}" -j 1)
  for threads in 2 4 8; do
    rm -rf killed
    mkdir killed
    (in_folder killed "${words[@]}" -j $threads)
    ok "${words[0]}: $threads threads give the bytes of one" same_files "${words[0]}"
  done
done
for tool in "$TOP"/tools/*.cpp; do
  tool=$(basename "$tool" .cpp)
  case " ${long_runs[*]}" in *" $tool "*) continue ;; esac
  line="$(arguments "$tool") $(good_input "$tool")"
  ok "$tool: 2, 4 and 8 threads give the bytes of one" sh -c "$tool --quiet $line -j 1 >one; for j in 2 4 8; do $tool --quiet $line -j \$j | cmp - one || exit; done"
done

# Instruction sets. What follows from the data alone is close; a map takes another course, and is as good.
isas="baseline"
if grep -q ' avx2 ' /proc/cpuinfo; then isas="$isas avx2"; fi
if grep -q ' avx512bw ' /proc/cpuinfo; then isas="$isas avx512"; fi
# close TOLERANCE A B: CSV files, relative to the largest size in A.
close() {
  paste -d, "$2" "$3" | awk -F, -v most="$1" 'NR > 1 { for (i = 1; i <= NF / 2; i++) { d = $i - $(i + NF / 2); if (d < 0) d = -d; if (d > worst) worst = d; v = $i < 0 ? -$i : $i; if (v > size) size = v } } END { print worst / size; exit !(NR > 1 && worst <= most * size) }'
}
# numbers NAME COMMAND...: what an instruction set gives, as CSV in NAME.ISA.
numbers() {
  local name=$1
  shift
  for isa in $isas; do ESPALIER_ISA=$isa "$@" >"$name.$isa"; done
}
kl_of() { qsne --quiet --iterations 300 "$1" | knn-eval --quiet | awk -F'\t' '{ print $3 }'; }
csv() { "${@:2}" | tensor-export --format csv --dataset "$1"; }
numbers logits csv logits net-eval --quiet --logits --data figures.h5 net.h5
numbers pca csv embedding qsne --quiet --init pca --iterations 0 blobs.h5
numbers learned csv logits sh -c 'net-train --quiet --arch resnet20 --width x0.1 --epochs 1 --schedule constant --rate 1e-4 figures.h5 -o short.h5 && net-eval --quiet --logits --data figures.h5 short.h5'
numbers kl kl_of blobs.h5
for isa in $isas; do
  ok "$isa: a start by principal components within 1e-4" close 1e-4 pca.baseline "pca.$isa"
  ok "$isa: logits within 1e-4" close 1e-4 logits.baseline "logits.$isa"
  ok "$isa: logits of a network after its first steps within 1e-2" close 1e-2 learned.baseline "learned.$isa"
  ok "$isa: a map's KL within 5 %" close 0.05 kl.baseline "kl.$isa"
done

# Scales. By a power of two nothing but exponents changes, so that results are the same, to the last digit.
scaled() { # FACTOR IN OUT
  tensor-export --format csv "$2" | awk -F, -v OFS=, -v by="$1" 'NR > 1 { for (i = 1; i <= NF; i++) $i = sprintf("%.17g", $i * 2 ^ by) } 1' >scaled.csv
  tensor-import --quiet --header yes scaled.csv -o "$3"
}
scaled 0 blobs.h5 plain.h5
qsne --quiet --iterations 200 plain.h5 | tensor-export --format csv --dataset embedding >plain.map
for exponent in -80 -60 60 100; do
  scaled $exponent blobs.h5 scaled.h5
  ok "samples of scale 2^$exponent have the map of those of scale 1" sh -c "qsne --quiet --iterations 200 scaled.h5 | tensor-export --format csv --dataset embedding >scaled.map; cmp scaled.map plain.map && [ -s plain.map ]"
done
kl_of blobs.h5 >plain.kl
for exponent in -110 120; do
  scaled $exponent blobs.h5 scaled.h5
  kl_of scaled.h5 >scaled.kl
  ok "samples of scale 2^$exponent have a map as good" close 0.05 plain.kl scaled.kl
done
scaled -145 blobs.h5 denormal.h5
ok "samples below the smallest normal number have a map" sh -c 'qsne --quiet --iterations 100 denormal.h5 | tensor-export --format csv --dataset embedding >denormal.map && [ -s denormal.map ] && ! grep -qi nan denormal.map'

# Values that are none.
for value in nan inf -inf; do
  sed "5s/^[^,]*/$value/" scaled.csv >broken.csv
  tensor-import --quiet --allow-nan --header yes broken.csv -o broken.h5
  exits 65 "$value in the samples" qsne --quiet broken.h5 -o none.h5
  exits 65 "... that are to be scored" knn-eval --quiet broken.h5
done
done_testing
