#!/usr/bin/env bash
# Tools that say what they need where that is more than what is free, and end with 71 before they begin.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"

blobs --samples 4000 --dims 400 --clusters 5 --quiet -o samples.h5
seq 600 | awk '{ for (i = 0; i < 64; ++i) printf "%d,", ($1 * 7 + i * $1) % 17; print $1 % 3 }' >numbers.csv
tensor-import numbers.csv --label last -o images.h5 --quiet
arch=(--quiet --arch resnet20 --width x0.25)
net-train "${arch[@]}" --epochs 1 images.h5 -o network.h5

blobs --samples 10000 --dims 1000 --clusters 5 --quiet -o wide.h5
qsne --quiet --iterations 20 --keep-neighbors --only samples.h5 -o graph.h5
qsne --quiet --iterations 20 --only samples.h5 -o map.h5

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
needs batch net-eval --memory 40 --batch 65536 --data images.h5 network.h5
ok "none of them left an output" test ! -e out.h5

# The grid of a map in space is the largest part of small data, and a graph counts that is read.
needs perplexity qsne --memory 300 --dims 3 --split all wide.h5 -o out.h5
needs "leave the samples out" qsne --memory 30 --from neighbors graph.h5 -o out.h5

# A limit of the shell is one, too. What is told to be large need not be there: a file of zeros has no size on disk.
# limited kB COMMAND...
limited() { (ulimit -v "$1"; shift; exec "$@") }
# zeros FILE ORDER ROWS COLUMNS: an NPY file of float32.
zeros() {
  printf '\x93NUMPY\x01\x00\x76\x00%-117s\n' "{'descr': '<f4', 'fortran_order': $2, 'shape': ($3, $4), }" >"$1"
  truncate -s $((128 + 4 * $3 * $4)) "$1"
}
# too_much NAME PATTERN COMMAND...: with `most` kB of addresses, 500000 by default.
too_much() {
  local name=$1 pattern=$2
  shift 2
  exits 71 "$name" limited "${most:-500000}" "$@"
  says "needs about [0-9]+ MiB of memory \(.*$pattern [0-9]+ MiB.*\), [0-9]+ MiB are free: "
}
if [ "${MODE:-release}" = release ]; then
  needs batch net-train --memory 40 "${arch[@]}" --epochs 1 --batch 100000 images.h5 -o out.h5
  needs batch sparsify --memory 40 "${arch[@]}" --epochs 1 --batch 100000 images.h5 -o out.h5
  needs batch prune --quiet --memory 40 --batch 100000 --data images.h5 network.h5 -o out.h5
  needs batch plant --quiet --memory 40 --batch 100000 --data images.h5 network.h5 -o out.h5
  # A limit that suffices changes nothing of what plant makes.
  plant=(plant --quiet --data images.h5 --teacher network.h5 --max-rounds 1 --shortlist 2 --epochs 1 network.h5)
  "${plant[@]}" -o kept.h5
  ok "plant works within a limit" "${plant[@]}" --memory 60 -o asked.h5
  ok "... to the same bytes" cmp kept.h5 asked.h5

  zeros columns.npy True 300000 1000
  zeros rows.npy False 300000 1000
  zeros long.npy False 2 14000000
  tensor-import --quiet long.npy -o long.h5
  too_much "pairs are too many" pairs qsne -j 1 --reference samples.h5 -o out.h5
  too_much "an array in columns is held whole" array tensor-import -j 1 columns.npy -o out.h5
  too_much "an image of HDF5 for a pipe is" output tensor-import -j 1 rows.npy
  most=300000 too_much "a row for export has to fit" rows tensor-export -j 1 long.h5 -o out.csv
  too_much "a map has too many pixels" pixels embed-plot -j 1 --dpi 2400 map.h5 -o out.png
  too_much "a network has too many pixels" pixels net-plot -j 1 --dpi 2400 network.h5 -o out.png
  ok "fewer fit" limited 500000 embed-plot -j 1 --dpi 100 map.h5 -o map.png
  ok "none of them left an output" test ! -e out.h5 -a ! -e out.csv -a ! -e out.png
  # What comes by a pipe has no size before it ends.
  endless_pipe() {
    local kb
    for ((kb = 100000; kb < 900000; kb += 20000)); do
      # Some releases of OpenBLAS ask for their buffer again and again while they are loaded.
      limited $kb timeout 10 knn-eval --version >/dev/null 2>&1 || continue
      limited $kb knn-eval -j 1 - <wide.h5 2>&1 | grep -q 'standard input: does not fit in memory' && return
    done
    return 1
  }
  ok "standard input that does not fit in memory is refused while it is read" endless_pipe
else
  skip "tight limits" "sanitizers hold more memory and addresses than these"
fi
ok "enough is enough" qsne --quiet --iterations 20 --memory 1000 samples.h5 -o allowed.h5
qsne --quiet --iterations 20 samples.h5 -o free.h5
ok "... and gives the same bytes" cmp allowed.h5 free.h5
ok "-v tells the estimate" qsne -v --iterations 20 samples.h5 -o free.h5
says "needs about [0-9]+ MiB of memory \(samples [0-9]+ MiB, work [0-9]+ MiB, neighbours [0-9]+ MiB, grid [0-9]+ MiB\)"

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
