#!/usr/bin/env bash
# Tools that say what they need where that is more than what is free, and end with 71 before they begin.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"

blobs --samples 4000 --dims 400 --clusters 5 --quiet -o samples.h5
seq 600 | awk '{ for (i = 0; i < 64; ++i) printf "%d,", ($1 * 7 + i * $1) % 17; print $1 % 3 }' >numbers.csv
tensor-import numbers.csv --label last --image 8x8 -o images.h5 --quiet
arch=(--quiet --arch resnet20 --width x0.25)
net-train "${arch[@]}" --epochs 1 images.h5 -o network.h5

# needs ADVICE COMMAND...: 71, one line with figures and the option to lower, no output.
needs() {
  local advice=$1
  shift
  exits 71 "$1 says what it needs" "$@"
  says "$1: needs about [0-9]+ MiB of memory \(.*\), [0-9]+ MiB are free: .*$advice"
}
needs perplexity qsne --memory 20 samples.h5 -o out.h5
needs reference qsne --memory 100 --reference samples.h5 -o out.h5
needs "lower -k" knn-eval --memory 20 samples.h5
needs batch net-train --memory 40 "${arch[@]}" --epochs 1 --batch 100000 images.h5 -o out.h5
needs batch sparsify --memory 40 "${arch[@]}" --epochs 1 --batch 100000 images.h5 -o out.h5
needs batch net-eval --memory 40 --batch 65536 --data images.h5 network.h5
needs batch prune --quiet --memory 40 --batch 100000 --data images.h5 network.h5 -o out.h5
needs batch plant --quiet --memory 40 --batch 100000 --data images.h5 network.h5 -o out.h5
ok "none of them left an output" test ! -e out.h5

# A limit of the shell is one, too, and so is one that the run stays under; the option does not change what comes out.
if [ "${MODE:-release}" = release ]; then
  limited() { (ulimit -v 400000; exec qsne -j 1 --reference samples.h5 -o out.h5); }
  exits 71 "a limit on addresses counts" limited
  says "needs about [0-9]+ MiB"
else
  skip "a limit on addresses counts" "sanitizers need more address space than any limit"
fi
ok "enough is enough" qsne --quiet --iterations 20 --memory 1000 samples.h5 -o allowed.h5
qsne --quiet --iterations 20 samples.h5 -o free.h5
ok "... and gives the same bytes" cmp allowed.h5 free.h5
ok "-v tells the estimate" qsne -v --iterations 20 samples.h5 -o free.h5
says "needs about [0-9]+ MiB of memory \(samples [0-9]+ MiB, neighbours [0-9]+ MiB\)"

# A limit that suffices changes nothing of what plant makes.
plant=(plant --quiet --data images.h5 --teacher network.h5 --max-rounds 1 --shortlist 2 --epochs 1 network.h5)
"${plant[@]}" -o kept.h5
ok "plant works within a limit" "${plant[@]}" --memory 60 -o asked.h5
ok "... to the same bytes" cmp kept.h5 asked.h5

# What a job is sized by: every long tool tells the seconds and the memory of its stages, and of the whole.
sized() {
  local name=$1 stages=$2
  shift 2
  "$@" >sized.out 2>sized.err || { cat sized.err; return 1; }
  for stage in $stages; do
    grep -qE "^$name: $stage: [0-9.]+ s, [0-9]+ MiB" sized.err || { echo "no $stage"; cat sized.err; return 1; }
  done
  grep -qE "^$name: [0-9.]+ s wall, [0-9]+ MiB peak memory" sized.err
}
tells() { ok "$1 -v tells seconds and memory: $2" sized "$@"; }
if [ -w /proc/self/clear_refs ]; then
  tells qsne "read neighbours affinities write" qsne -v --iterations 20 samples.h5 -o map.h5
  tells knn-eval "read scores" knn-eval -v map.h5
  tells embed-plot "read draw" embed-plot -v map.h5 -o map.png
  tells tensor-import "import" tensor-import -v numbers.csv -o again.h5
  tells net-train "read training" net-train -v "${arch[@]:1}" --epochs 1 images.h5 -o trained.h5
  tells sparsify "read training" sparsify -v "${arch[@]:1}" --epochs 1 images.h5 -o sparse.h5
  tells net-eval "read evaluate" net-eval -v --data images.h5 network.h5
  tells prune "read scoring training" prune -v --data images.h5 --samples 32 --epochs 1 --max-rounds 1 network.h5 -o pruned.h5
  tells plant "read trial" plant -v --data images.h5 --max-rounds 1 --shortlist 1 --epochs 1 network.h5 -o planted.h5
else
  skip "-v tells seconds and memory of stages" "peaks of memory cannot be reset here"
fi
done_testing
