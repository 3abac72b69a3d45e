#!/usr/bin/env bash
# knn-eval: known answers on a map that can be scored by hand, thresholds, refusals, the same numbers by pipe and threads.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"

# Six samples on a line with three labels of each class: by hand, one neighbour is right for 4 of 6, three for 5 of 6.
printf '%s\n' 0,0 1,0 2,1 10,1 11,1 3,0 >line.csv
tensor-import line.csv --label last -o line.h5 --quiet
# field NAME: that column of the table on standard input, one value a row.
field() { awk -F'\t' -v name="$1" 'NR == 1 { for (c = 1; c <= NF; ++c) if ($c == name) at = c; next } NF == 0 { exit } { print $at }'; }
gives() {
  local want=$1 column=$2
  shift 2
  [ "$("$@" | field "$column" | paste -sd' ')" = "$want" ]
}
ok "accuracy is the one worked by hand" gives "0.666667 0.833333" accuracy knn-eval --quiet -k 1,3 line.h5
ok "hit is the one worked by hand" gives "0.666667 0.555556" hit knn-eval --quiet -k 1,3 line.h5
ok "a sample that counts itself is always right at k = 1" gives 1 accuracy knn-eval --quiet -k 1 --mode resubstitution line.h5
ok "the confusion table follows" sh -c 'knn-eval --quiet -k 1 --confusion line.h5 | tail -n +4 | awk -F"\t" "{ n += \$5 } END { exit n != 6 }"'
ok "every class has its accuracy" sh -c 'knn-eval --quiet -k 1 --per-class line.h5 | head -1 | grep -q "accuracy:.*accuracy:"'

exits 65 "k as large as the number of samples is refused" knn-eval -k 6 line.h5
says "line.h5.*k = 6"
exits 64 "k = 0 is refused" knn-eval -k 0 line.h5
exits 65 "a split that is not there is missed" knn-eval -k 1 --mode split line.h5
says "/split"
exits 0 "a threshold that is reached" knn-eval --quiet -k 1 --at-least accuracy=0.6 line.h5
exits 1 "a threshold that is not reached" knn-eval -k 1,3 --at-least accuracy=0.7 line.h5
says "accuracy is 0.666667 .data, k = 1.*at least 0.7"
exits 64 "a threshold on a measure that does not exist" knn-eval -k 1 --at-least accurracy=0.7 line.h5
exits 65 "a threshold on what cannot be measured" knn-eval --quiet -k 1 --at-least auc=0.1 line.h5

blobs --samples 400 --dims 12 --clusters 4 --quiet -o blobs.h5
qsne --quiet --iterations 60 -q 1.5,2 blobs.h5 -o sweep.h5
knn-eval --quiet -k 5,20 sweep.h5 >file.tsv
ok "a sweep has a row for each map and k" gives "1.5 1.5 2 2" q cat file.tsv
ok "a stream gives what a file gives" sh -c 'knn-eval --quiet -k 5,20 <sweep.h5 | cmp - file.tsv'
for j in 1 2 4; do ok "$j threads give the same numbers" sh -c "knn-eval --quiet -j $j -k 5,20 sweep.h5 | cmp - file.tsv"; done
ok "all anchors by number are all anchors" sh -c 'knn-eval --quiet --anchors 400 -k 5,20 sweep.h5 | cmp - file.tsv'
ok "sampled anchors have standard errors" sh -c 'knn-eval --quiet --anchors 100 sweep.h5 | head -1 | grep -q trustworthiness_se'
ok "JSON has the same rows" sh -c 'knn-eval --quiet --json -k 5,20 sweep.h5 | grep -c "\"k\":" | grep -qx 4'
for metric in cosine correlation; do ok "metric $metric" knn-eval --quiet --metric $metric sweep.h5; done
exits 0 "errors have thresholds from above" knn-eval --quiet --at-least mrre_data=0.9 sweep.h5
exits 1 "... that can be missed" knn-eval --quiet --at-least mrre_data=0 sweep.h5

printf '%s\n' 0,0 1,0 2,0 >one-class.csv
tensor-import one-class.csv --label last -o one-class.h5 --quiet
exits 65 "samples of one class without a map leave nothing to score" knn-eval --quiet -k 1 one-class.h5
done_testing
