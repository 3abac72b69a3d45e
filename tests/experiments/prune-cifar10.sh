#!/usr/bin/env bash
# What pruning costs: a baseline, a sparsified and pruned network, and the baseline trained on for as many epochs; then,
# for several criteria, accuracy against the share of parameters removed. Steps that are done are not done again, so the
# script goes on where it was stopped, within a step too.
set -euo pipefail

usage() {
  cat <<'HELP'
usage: tests/experiments/prune-cifar10.sh [options]

  -s SIZE     cifar: CIFAR-10; small: 5,000 generated figures of 16 x 16 and few epochs, to see it run [cifar]
  -a NAME     architecture [resnet20]
  -b FILE     a trained network of this architecture as the baseline of all seeds, instead of training one for each
  -n SEEDS    seeds of the comparison [0 1]
  -c LIST     criteria of the curve [loss regularizer l1 fpgm random]
  -t LIST     shares of the parameters to be left along the curve [0.7 0.5 0.4 0.3]
  -r NAME     regularizer of sparsify [hsr-gl12]
  -l X        its lambda [4e-4]
  -e LIST     epochs: of the baseline, under the regularizer, of a round, after the last; of a round and after the last
              of the curve [30 4 1 40 0 2; small: 6 3 1 3 0 1]
  -R X        largest rate of what is tuned after pruning, and of the baseline trained on [0.1]
  -p OPTIONS  more options of prune in the comparison, where the baseline teaches
              [--step 0.25; of ResNets for CIFAR --exclude the first two stages, a quarter of the parameters]
  -P OPTIONS  more options of prune along the curve [--step 0.25]
  -w DIR      where everything is kept [experiments/prune-SIZE-NAME]
  -d FILE     CIFAR-10 as a sample file, instead of tensor-import of $ESPALIER_DATA/cifar-10
  -C          without the curve
  -h          print this and exit

Output, tab-separated: for each seed and in the mean, test accuracy of the baseline, of the baseline trained on for as
many epochs as the other, and of the pruned network; shares of parameters, MACs and measured time that are left. Then,
for the first seed, what was pruned (the network after sparsify, by each criterion, or the baseline, by the first one),
criterion, share asked for, shares left, accuracy.
HELP
}

cd "$(dirname "$0")/../.."
export PATH="${BIN:-build/bin}:${BIN:-build/bin}/data:$PATH"
size=cifar arch=resnet20 seeds="0 1" criteria="loss regularizer l1 fpgm random" targets="0.7 0.5 0.4 0.3"
given='' regularizer=hsr-gl12 lambda=4e-4 epochs='' rate=0.1 pruning='' along="--step 0.25" work='' data='' curve=yes
while getopts s:a:b:n:c:t:r:l:e:R:p:P:w:d:Ch option; do
  case $option in
  s) size=$OPTARG ;;
  a) arch=$OPTARG ;;
  b) given=$OPTARG ;;
  n) seeds=$OPTARG ;;
  c) criteria=$OPTARG ;;
  t) targets=$OPTARG ;;
  r) regularizer=$OPTARG ;;
  l) lambda=$OPTARG ;;
  e) epochs=$OPTARG ;;
  R) rate=$OPTARG ;;
  p) pruning=$OPTARG ;;
  P) along=$OPTARG ;;
  w) work=$OPTARG ;;
  d) data=$OPTARG ;;
  C) curve='' ;;
  h) usage && exit ;;
  *) usage >&2 && exit 64 ;;
  esac
done
work=${work:-experiments/prune-$size-$arch}
mkdir -p "$work"

case $size in
cifar)
  data=${data:-$work/cifar10.h5} width=() epochs=${epochs:-30 4 1 40 0 2} samples=512
  [ -e "$data" ] || tensor-import --quiet "${ESPALIER_DATA:-data/cache}/cifar-10" -o "$data"
  ;;
small)
  data=${data:-$work/figures.h5} width=(--width x0.5) epochs=${epochs:-6 3 1 3 0 1} samples=128
  [ -e "$data" ] || figures --samples 5000 --test 1000 --size 16 --quiet -o "$data"
  ;;
*) usage >&2 && exit 64 ;;
esac
if [ -z "$pruning" ]; then
  pruning="--step 0.25"
  if [[ $arch =~ ^resnet(20|32|44|56|110)(-b)?$ ]]; then
    last=$(((BASH_REMATCH[1] - 2) / 6 - 1)) # block of a stage
    pruning+=" --exclude $(seq -s, -f layer1.%g.conv1 0 "$last"),$(seq -s, -f layer2.%g.conv1 0 "$last")"
  fi
fi
read -ra epochs <<<"$epochs"
read -ra pruning <<<"$pruning"
read -ra along <<<"$along"

# step FILE COMMAND...: makes the file with -o, unless it is there.
step() {
  [ -e "$1" ] || "${@:2}" -o "$1"
}
# column FILE NAME: of the last row of the first table in it.
column() {
  awk -F'\t' -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } /^$/ { exit } { last = $at[name] } END { print last }' "$1"
}
accuracy() { net-eval --quiet --data "$data" "$1" >"$1.score" && column "$1.score" accuracy; }

prune_to() { # FILE FROM SHARE CRITERION ROUND_EPOCHS LAST_EPOCHS SEED OPTIONS...
  [ -e "$1" ] || prune --quiet --data "$data" "$2" --target-params "$3" --criterion "$4" --samples "$samples" \
    --epochs "$5" --finish "$6" --compensate mean --seed "$7" "${@:8}" --report "$1.tsv" -o "$1" >/dev/null
}

printf 'seed\tbaseline\tbaseline_longer\tpruned\tparameters_left\tmacs_left\ttime_left\n'
for seed in $seeds; do
  base=${given:-$work/base-$seed.h5} sparse=$work/sparse-$seed.h5 pruned=$work/pruned-$seed.h5 longer=$work/longer-$seed.h5
  step "$base" net-train --quiet --arch "$arch" "${width[@]}" --epochs "${epochs[0]}" --seed "$seed" "$data"
  step "$sparse" sparsify --quiet --from "$base" --regularizer "$regularizer" --lambda "$lambda" --solver prox \
    --epochs "${epochs[1]}" --rate 0.05 --seed "$seed" "$data" >"$work/sparse-$seed.tsv"
  prune_to "$pruned" "$sparse" 0.5 loss "${epochs[2]}" "${epochs[3]}" "$seed" --rate "$rate" --teacher "$base" \
    "${pruning[@]}"
  rounds=$(column "$pruned.tsv" round)
  step "$longer" net-train --quiet --from "$base" --rate "$rate" --seed "$seed" \
    --epochs $((epochs[1] + rounds * epochs[2] + epochs[3])) "$data"
  printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$seed" "$(accuracy "$base")" "$(accuracy "$longer")" "$(accuracy "$pruned")" \
    "$(column "$pruned.tsv" parameters_left)" "$(column "$pruned.tsv" macs_left)" "$(column "$pruned.tsv" time_left)"
done | tee "$work/comparison.tsv"
awk -F'\t' '{ for (i = 2; i <= NF; i++) sum[i] += $i; n = NF } END { printf "mean"; for (i = 2; i <= n; i++) printf "\t%.4f", sum[i] / NR; print "" }' "$work/comparison.tsv"

[ -n "$curve" ] || exit 0
first=${seeds%% *}
printf '\nfrom\tcriterion\ttarget\tparameters_left\tmacs_left\ttest_accuracy\n'
curve_of() { # NAME NETWORK CRITERIA
  for criterion in $3; do
    for target in $targets; do
      pruned=$work/curve-$1-$criterion-$target.h5
      prune_to "$pruned" "$2" "$target" "$criterion" "${epochs[4]}" "${epochs[5]}" "$first" "${along[@]}"
      printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$criterion" "$target" "$(column "$pruned.tsv" parameters_left)" \
        "$(column "$pruned.tsv" macs_left)" "$(accuracy "$pruned")"
    done
  done
}
curve_of sparsified "$work/sparse-$first.h5" "$criteria"
curve_of baseline "${given:-$work/base-$first.h5}" "${criteria%% *}"
