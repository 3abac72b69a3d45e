#!/usr/bin/env bash
# Which regularizer leaves which zeros at which accuracy: a table of regularizer x grouping x lambda, each trained from
# the same plain network. Runs that are done are not done again, so the script goes on where it was stopped.
set -euo pipefail

usage() {
  cat <<'HELP'
usage: tests/experiments/regularizers.sh [options]

  -s SIZE     small: 4,000 generated figures of 16 x 16, ResNet-20 at half its width, 12 + 8 epochs [small]
              cifar: CIFAR-10, ResNet-20, 30 + 15 epochs
  -r LIST     regularizers [l1 gl hsr-gl hsq-gl es hsr-es hsq-es gl12 hsr-gl12 hsq-gl12]
  -g LIST     groupings [feature neuron]
  -l LIST     lambdas [1e-5 3e-5 1e-4 3e-4 1e-3]
  -m X        mix: share of the regularizer beside L1 [0.5]
  -S SOLVER   sgd or prox [prox]
  -b FILE     a trained network to start from, instead of training one
  -e N        epochs under a regularizer [by size]
  -w DIR      where everything is kept [experiments/regularizers-SIZE]
  -c FILE     CIFAR-10 as a sample file, instead of tensor-import of $ESPALIER_DATA/cifar-10
  -h          print this and exit

Output: tab-separated: regularizer, grouping, lambda, test accuracy, shares of weights, kernels, input groups and output
groups at zero, share of the parameters and of the MACs that could go at once. The first row is the plain network,
trained for as many epochs.
HELP
}

cd "$(dirname "$0")/../.."
export PATH="${BIN:-build/bin}:${BIN:-build/bin}/data:$PATH"
size=small solver=prox given='' epochs='' work='' cifar='' mix=0.5
regularizers="l1 gl hsr-gl hsq-gl es hsr-es hsq-es gl12 hsr-gl12 hsq-gl12" groupings="feature neuron" lambdas="1e-5 3e-5 1e-4 3e-4 1e-3"
while getopts s:r:g:l:m:S:b:e:w:c:h option; do
  case $option in
  s) size=$OPTARG ;;
  r) regularizers=$OPTARG ;;
  g) groupings=$OPTARG ;;
  l) lambdas=$OPTARG ;;
  m) mix=$OPTARG ;;
  S) solver=$OPTARG ;;
  b) given=$OPTARG ;;
  e) epochs=$OPTARG ;;
  w) work=$OPTARG ;;
  c) cifar=$OPTARG ;;
  h) usage && exit ;;
  *) usage >&2 && exit 64 ;;
  esac
done
work=${work:-experiments/regularizers-$size}
mkdir -p "$work"

case $size in
small)
  data=$work/figures.h5 arch=(--arch resnet20 --width x0.5) first=12 second=8
  [ -e "$data" ] || figures --samples 5000 --test 1000 --size 16 --quiet -o "$data"
  ;;
cifar)
  data=${cifar:-$work/cifar10.h5} arch=(--arch resnet20) first=30 second=15
  [ -e "$data" ] || tensor-import --quiet "${ESPALIER_DATA:-data/cache}/cifar-10" -o "$data"
  ;;
*) usage >&2 && exit 64 ;;
esac

plain=${given:-$work/plain.h5} second=${epochs:-$second}
[ -e "$plain" ] || net-train --quiet "${arch[@]}" --epochs "$first" "$data" -o "$plain"

# run NAME ARGUMENT...: a log of this name, trained from the plain network.
run() {
  local log=$work/$1.tsv
  [ -e "$work/$1.h5" ] || sparsify --quiet --from "$plain" --epochs "$second" --rate 0.1 "${@:2}" "$data" -o "$work/$1.h5" --log "$log" >/dev/null
  awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } END {
    printf "%s", $at["test_accuracy"]
    split("zero_weights zero_kernels zero_inputs zero_outputs removable_parameters removable_macs", names, " ")
    for (i = 1; i <= 6; i++) printf "\t%.4f", $at[names[i]]
    print "" }' "$log"
}

printf 'regularizer\tgrouping\tlambda\ttest_accuracy\tzero_weights\tzero_kernels\tzero_inputs\tzero_outputs\tremovable_parameters\tremovable_macs\n'
printf 'none\t-\t0\t%s\n' "$(run none --lambda 0)"
for regularizer in $regularizers; do
  for grouping in $groupings; do
    for lambda in $lambdas; do
      printf '%s\t%s\t%s\t%s\n' "$regularizer" "$grouping" "$lambda" \
        "$(run "$regularizer-$grouping-$lambda-$mix-$solver" --regularizer "$regularizer" --grouping "$grouping" --lambda "$lambda" --mix "$mix" --solver "$solver")"
    done
  done
done
