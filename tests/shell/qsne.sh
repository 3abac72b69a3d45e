#!/usr/bin/env bash
# qsne: the same bytes whatever the threads, what it records, what it refuses.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"

blobs --samples 600 --dims 12 --clusters 4 --quiet -o blobs.h5
attribute() { h5dump -a "/embedding/$2" "$1" | sed -n 's/^ *(0[^)]*): *//p' | tr -d '"'; }
has_dataset() { h5dump -H -d "$2" "$1" >/dev/null; }
csv() { tensor-export --dataset "${2:-embedding}" --format csv "$1"; }

# One result, whatever the threads.
for j in 1 2 4; do qsne --quiet --iterations 120 -j $j -q 1.5 blobs.h5 -o threads$j.h5; done
ok "1 and 2 threads give the same bytes" cmp threads1.h5 threads2.h5
ok "1 and 4 threads give the same bytes" cmp threads1.h5 threads4.h5
qsne --quiet --iterations 120 -j 2 -q 1.5 <blobs.h5 >stream.h5
csv threads1.h5 >file.csv && csv stream.h5 >stream.csv
ok "a stream gives the numbers that a file gives" cmp file.csv stream.csv
qsne --quiet --iterations 120 -q 1.5 -s 1 --init random blobs.h5 -o seeded.h5
ok "another seed gives another map from a random start" sh -c '! cmp -s threads1.h5 seeded.h5'

# Sweeps, settings, datasets.
qsne --quiet --iterations 60 -q 1,1.5,2.9 --keep-neighbors --keep-affinities blobs.h5 -o sweep.h5
ok "a sweep is one stack" sh -c 'h5dump -H -d /embedding sweep.h5 | grep -q "( 3, 600, 2 )"'
for path in /data /labels /neighbors/indices /neighbors/distances /affinities/data /affinities/indptr; do
  ok "the output holds $path" has_dataset sweep.h5 $path
done
ok "q is recorded" test "$(attribute sweep.h5 q)" = "1, 1.5, 2.9"
ok "perplexity is recorded" test "$(attribute sweep.h5 perplexity)" = 30
ok "history is recorded once" sh -c 'h5dump -a /history sweep.h5 | grep -c "qsne .*--q-gaussian 1,1.5,2.9" | grep -qx 1'
recorded() { ok "$1: records $3" test "$(attribute "$2" "${3%%=*}")" = "${3#*=}"; }
unrecorded() { ok "$1: records no $3" sh -c "! h5dump -a /embedding/$3 $2 2>/dev/null"; }
qsne --quiet --iterations 20 --pca 50 --perplexity 5,30 --metric cosine --keep-neighbors blobs.h5 -o several.h5
recorded "two perplexities" several.h5 "perplexity=5, 30"
recorded "a start by default" several.h5 init=pca
unrecorded "more components than columns" several.h5 pca
qsne --quiet --iterations 20 --from neighbors --perplexity 10 several.h5 -o kept.h5
recorded "a kept graph" kept.h5 metric=cosine
qsne --quiet --only --iterations 20 --keep-affinities blobs.h5 -o p.h5
qsne --quiet --iterations 20 --from affinities p.h5 -o random.h5
recorded "affinities without samples" random.h5 init=random
recorded "affinities that were kept" random.h5 metric=euclidean
exits 65 "--init pca without samples" qsne --quiet --init pca --from affinities p.h5 -o none.h5
exits 65 "a graph that is too small for a perplexity" qsne --quiet --from neighbors --perplexity 50 sweep.h5 -o none.h5
says '90 neighbours are too few for perplexity 50; at most 30'
qsne --quiet --iterations 20 -k 15 --keep-neighbors blobs.h5 -o uniform.h5
ok "a graph that is too small for the default perplexity" qsne --iterations 20 --from neighbors uniform.h5 -o low.h5
says 'perplexity lowered from 30 to 5'
recorded "a small graph" low.h5 perplexity=5
qsne --quiet --transform several.h5 blobs.h5 -o placed-several.h5
recorded "a placement with two perplexities" placed-several.h5 "perplexity=5, 30"
qsne --quiet --transform uniform.h5 blobs.h5 -o placed-uniform.h5
recorded "a placement with uniform similarities" placed-uniform.h5 neighbors=15
qsne --quiet --iterations 60 -q 1.5 --from neighbors sweep.h5 -o from-neighbors.h5
qsne --quiet --iterations 60 -q 1.5 --from affinities sweep.h5 -o from-affinities.h5
qsne --quiet --iterations 60 -q 1.5 blobs.h5 -o from-data.h5
csv from-data.h5 >from-data.csv
csv from-neighbors.h5 >from-neighbors.csv
ok "from a kept graph: the same cost" sh -c "awk -v a=$(attribute from-data.h5 kl) -v b=$(attribute from-neighbors.h5 kl) 'BEGIN { exit !(a - b < 1e-2 && b - a < 1e-2) }'"
ok "from kept affinities: the same cost" sh -c "awk -v a=$(attribute from-data.h5 kl) -v b=$(attribute from-affinities.h5 kl) 'BEGIN { exit !(a - b < 1e-2 && b - a < 1e-2) }'"
ok "--only drops the rest" sh -c 'qsne --quiet --only --iterations 20 blobs.h5 | h5dump -n /dev/stdin | grep -c dataset | grep -qx 1 || qsne --quiet --only --iterations 20 blobs.h5 -o only.h5 && h5dump -n only.h5 | grep -c dataset | grep -qx 1'
for dims in 1 2 3; do
  ok "$dims dimensions" qsne --quiet --iterations 60 --dims $dims blobs.h5 -o dims.h5
  ok "... are in the file" sh -c "h5dump -H -d /embedding dims.h5 | grep -q '( 600, $dims )'"
done
for more in "--perplexity 5,30" "-k 15" "--metric cosine" "--metric correlation" "--pca 5" "--search approximate" \
  "--init random" "--df 0.4" "--df 1,0.5" "--scale-search" "--early-stop" "--repulsion exact" "--repulsion grid" \
  "--rate 100" "--exaggeration 4" "--exaggeration-iterations 10" "--snapshots 20" "--checkpoint-every 10"; do
  # shellcheck disable=SC2086
  ok "qsne $more" qsne --quiet --iterations 60 $more blobs.h5 -o more.h5
done
qsne --quiet --iterations 60 --snapshots 20 blobs.h5 -o snapshots.h5
ok "snapshots are kept" sh -c 'h5dump -H -d /snapshots snapshots.h5 | grep -q "( 3, 600, 2 )"'
qsne --quiet --iterations 60 --init embedding threads1.h5 -o continued.h5
ok "a map is a start" test -s continued.h5
ok "--report writes JSON" sh -c 'qsne --quiet --iterations 20 -q 1,2 --report r.json blobs.h5 -o r.h5 && grep -q "\"kl\"" r.json'
ok "-q auto tries several and keeps one" qsne --iterations 60 -q auto blobs.h5 -o auto.h5
says 'largest area under R_NX'
ok "... with what it tried" sh -c 'h5dump -a /embedding/auto_q auto.h5 | grep -q "1, 1.1, 1.5, 2, 2.5, 2.9"'

# New samples in an old map.
qsne --quiet blobs.h5 -o map.h5
ok "the map's own samples" qsne --quiet --transform map.h5 blobs.h5 -o placed.h5
csv map.h5 >map.csv && csv placed.h5 >placed.csv
ok "... are placed near where they are" sh -c 'paste -d, map.csv placed.csv | awk -F, "NR > 1 { d += (\$1-\$3)^2 + (\$2-\$4)^2; s += \$1^2 + \$2^2 } END { exit !(d < .02 * s) }"'

# Graphs kept, named and read.
awk 'BEGIN { srand(2); for (i = 0; i < 200; i++) for (j = 0; j < 8; j++) printf "%d%s", 9 * rand() + 1, j < 7 ? "," : "\n" }' |
  tensor-import - --quiet --kind table -o counts.h5
qsne --quiet --iterations 20 --counts --pca 5 --keep-neighbors --keep-affinities counts.h5 -o kept-counts.h5
qsne --quiet --iterations 20 --from neighbors kept-counts.h5 -o by-neighbors.h5
qsne --quiet --iterations 20 --from affinities kept-counts.h5 -o by-affinities.h5
for kept in by-neighbors by-affinities; do
  recorded $kept $kept.h5 pca=5
  recorded $kept $kept.h5 "counts=normalised to 10000 a row, log1p"
done
recorded "kept affinities" by-affinities.h5 perplexity=30
qsne --quiet --iterations 20 --from affinities --graph /affinities sweep.h5 -o named-graph.h5
ok "--graph names what is found without it" sh -c 'qsne --quiet --no-history --iterations 20 --from affinities sweep.h5 -o a.h5 && qsne --quiet --no-history --iterations 20 --from affinities --graph affinities sweep.h5 -o b.h5 && cmp a.h5 b.h5'
exits 65 "--graph where there is none" qsne --from neighbors --graph obsp/distances sweep.h5 -o none.h5
exits 64 "--graph without --from" qsne --graph neighbors sweep.h5 -o none.h5

# Pipes by name, and stops while they are read.
mkfifo pipe
cat blobs.h5 >pipe &
ok "a named pipe is read whole" qsne --quiet --no-history --iterations 20 pipe -o by-pipe.h5
ok "so is /dev/stdin" sh -c 'qsne --quiet --no-history --iterations 20 /dev/stdin -o by-device.h5 <blobs.h5 && cmp by-pipe.h5 by-device.h5'
as_user() { "$@"; }
[ "$(id -u)" != 0 ] || as_user() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
if as_user qsne -V >/dev/null 2>&1; then
  ok "a device is written to by those who may not write in its folder" as_user qsne --quiet --iterations 20 -o /dev/null <blobs.h5
else
  skip "a device is written to by those who may not write in its folder" "the programs are closed to other users"
fi
if [ "${MODE:-release}" = tsan ]; then
  skip "a signal while standard input is read ends the run at once" "the sanitizer holds signals back during a read"
else
  exits 143 "a signal while standard input is read ends the run at once" \
    timeout --preserve-status -k 5 -s TERM .3 sh -c 'exec 3<>pipe; exec qsne --quiet -o waiting.h5 <pipe'
fi
exits 64 "--restart without a checkpoint" qsne --restart blobs.h5
says 'no effect without -o or --checkpoint'
exits 65 "a start of other dimensions" qsne --init embedding --dims 3 threads1.h5 -o none.h5
says 'has 2 dimensions, a start of 3 is needed'
exits 74 "a report in a folder that there is not, before anything is read" qsne --report no/such/r.tsv none.h5 -o r.h5
ok "--report says on standard error what it writes" qsne --iterations 20 --report r.tsv blobs.h5 -o r.h5
says 'q = 2: cost [0-9.]* after 20 iterations'

# Training samples embedded, test samples placed among them.
paste -d, <(csv blobs.h5 data) <(csv blobs.h5 labels | sed 1s/.*/class/) >blobs.csv
{ head -1 blobs.csv; tail -n 200 blobs.csv; } >test.csv && head -n 401 blobs.csv >train.csv
tensor-import --quiet --label class --test test.csv train.csv -o split.h5
tensor-import --quiet --label class test.csv -o test.h5
ok "--split train" qsne --quiet --iterations 60 --split train split.h5 -o train.h5
ok "... holds the training samples alone" sh -c 'for d in data labels split embedding; do h5dump -H -d /$d train.h5 | grep -q "( 400" || exit 1; done'
ok "--split test in the map of the others" qsne --quiet --transform train.h5 --split test split.h5 -o placed-test.h5
ok "... holds the test samples alone" sh -c 'h5dump -H -d /embedding placed-test.h5 | grep -q "( 200, 2 )"'
ok "knn-eval --split" test "$(knn-eval --split test split.h5)" = "$(knn-eval test.h5)"
qsne --quiet --iterations 20 split.h5 -o train-all.h5
exits 65 "--split of samples that are not split" qsne --split train blobs.h5 -o none.h5
says 'not split into training and test'
exits 64 "--split of a graph" qsne --split train --from neighbors sweep.h5 -o none.h5
exits 64 "knn-eval --mode split of one part" knn-eval --mode split --split test split.h5
ok "embed-plot --split" embed-plot --split test train-all.h5 -o split.png

# What it refuses.
matrix() { awk -v n="$1" -v d="$2" 'BEGIN { srand(1); for (i = 0; i < n; i++) for (j = 0; j < d; j++) printf "%g%s", rand(), j < d - 1 ? "," : "\n" }'; }
import() { tensor-import - --quiet -o "$1" --kind table; }
matrix 60 4 | import sixty.h5
ok "a default perplexity is lowered with a note" qsne --iterations 20 sixty.h5 -o out.h5
says 'perplexity lowered from 30 to 19'
exits 65 "a perplexity that was given is refused" qsne --perplexity 30 sixty.h5 -o out.h5
says 'at most 19'
exits 65 "more neighbours than samples" qsne -k 60 sixty.h5 -o out.h5
for n in 1 2 3; do
  matrix $n 4 | import few.h5
  exits 65 "$n samples are too few" qsne few.h5 -o out.h5
done
matrix 4 4 | import four.h5
exits 0 "4 samples are enough" qsne --quiet four.h5 -o out.h5
matrix 50 1 | import one.h5
exits 0 "samples of one dimension" qsne --quiet --iterations 50 one.h5 -o out.h5
awk 'BEGIN { for (i = 0; i < 50; i++) print "1,2,3" }' | import same.h5
exits 0 "samples that are all the same" qsne --quiet --iterations 50 same.h5 -o out.h5
awk 'BEGIN { for (i = 0; i < 60; i++) print i % 20 ",5," i % 3 }' | import constant.h5
exits 0 "a constant column and duplicate rows" qsne --quiet --iterations 50 constant.h5 -o out.h5
awk 'BEGIN { for (i = 0; i < 60; i++) print i * 1e30 "," i % 7 * 1e30 }' | import huge.h5
exits 0 "numbers of 1e30" qsne --quiet --iterations 50 huge.h5 -o out.h5
exits 64 "q = 3" qsne -q 3 blobs.h5 -o out.h5
exits 64 "q below 1" qsne -q 0.9 blobs.h5 -o out.h5
exits 64 "-q and --df together" qsne -q 2 --df 1 blobs.h5 -o out.h5
exits 64 "two inputs" qsne blobs.h5 blobs.h5 -o out.h5
exits 65 "a dataset that is not there" qsne --dataset nothing blobs.h5 -o out.h5
says '/nothing is missing; there are: /data'
exits 65 "--from neighbors without any" qsne --from neighbors blobs.h5 -o out.h5
exits 65 "the checkpoint of another command" sh -c 'timeout --preserve-status -s TERM 0.5 qsne --quiet --iterations 100000 blobs.h5 -o c.h5; qsne --quiet --iterations 99999 blobs.h5 -o c.h5'
says 'restart'
exits 0 "--restart ignores it" qsne --quiet --restart --iterations 20 blobs.h5 -o c.h5
done_testing
