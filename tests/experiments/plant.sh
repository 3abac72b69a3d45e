#!/usr/bin/env bash
# What planting is worth: a teacher, a small network, that network grown with and without distillation, and the grown
# architecture trained from scratch with and without distillation. Steps that are done are not done again, so the script
# goes on where it was stopped, within a step too.
set -euo pipefail

usage() {
  cat <<'HELP'
usage: tests/experiments/plant.sh [options]

  -s SIZE     small: 4,000 generated figures of 16 x 16, ResNet-20 of half its width, 20 epochs, 8 rounds of 12 [small]
              cifar10, cifar100: ResNet-20 of a quarter of its width, 30 epochs, 12 rounds of 3
              stl10: the 5,000 labelled images of 96 x 96, ResNet-18 of widths 8 to 64, 60 epochs, 12 rounds of 30
  -n N        use N training samples only, evenly of the classes [all]
  -T NAME     architecture of the teacher, at full width [resnet20; stl10: resnet18-w8]
  -b FILE     a trained network as the teacher of all seeds, instead of training one for each
  -a NAME     architecture of the small network [the teacher's]
  -x X        its width: factor on the widths of its architecture [0.25; stl10: 0.5]
  -e N        epochs of the teacher and the small network; the grown architecture has those of -f besides [by size]
  -t N        epochs of a trial [by size: about a thousand steps; give more with -n]
  -r N        rounds at most [by size]
  -l N        layers tried in a round, by gradient; 0: all [4]
  -c X        channels of a trial [16; small: 8]
  -f N        epochs of training everything after the search [0]
  -p OPTIONS  more options of plant [--scope all]
  -S SEEDS    seeds [0]
  -w DIR      where everything is kept [experiments/plant-SIZE]
  -d FILE     the data as a sample file, instead of tensor-import of $ESPALIER_DATA/{cifar-10,cifar-100,stl-10}
  -h          print this and exit

Output, tab-separated: for each seed the networks, with parameters, MACs, test loss and test accuracy. The networks from
scratch have the architecture that was grown under the teacher. DIR holds the tables of rounds, the curve of accuracy
against parameters (curve-SEED.svg) and the widths (widths-SEED.svg).
HELP
}

cd "$(dirname "$0")/../.."
export PATH="${BIN:-build/bin}:${BIN:-build/bin}/data:$PATH"
size=small samples=0 teacher_arch='' given='' small_arch='' width='' epochs='' trial='' rounds='' shortlist=4 channels='' finish=0 planting=(--scope all) seeds=0 work='' data=''
while getopts s:n:T:b:a:x:e:t:r:l:c:f:p:S:w:d:h option; do
  case $option in
  s) size=$OPTARG ;;
  n) samples=$OPTARG ;;
  T) teacher_arch=$OPTARG ;;
  b) given=$OPTARG ;;
  a) small_arch=$OPTARG ;;
  x) width=$OPTARG ;;
  e) epochs=$OPTARG ;;
  t) trial=$OPTARG ;;
  r) rounds=$OPTARG ;;
  l) shortlist=$OPTARG ;;
  c) channels=$OPTARG ;;
  f) finish=$OPTARG ;;
  p) read -ra planting <<<"$OPTARG" ;;
  S) seeds=$OPTARG ;;
  w) work=$OPTARG ;;
  d) data=$OPTARG ;;
  h) usage && exit ;;
  *) usage >&2 && exit 64 ;;
  esac
done

# Architecture; widths of the teacher and of the small network; epochs, rounds, epochs and channels of a trial; the data's
# folder; how all are trained.
how=()
case $size in
small) set_up=(resnet20 0.5 0.25 20 8 12 8 figures) how=(--batch 64 --rate 0.05 --crop 1) ;;
cifar10) set_up=(resnet20 1 0.25 30 12 3 16 cifar-10) ;;
cifar100) set_up=(resnet20 1 0.25 30 12 3 16 cifar-100) ;;
stl10) set_up=(resnet18-w8 1 0.5 60 12 30 16 stl-10) ;;
*) usage >&2 && exit 64 ;;
esac
teacher_arch=${teacher_arch:-${set_up[0]}} teacher_width=${set_up[1]} small_arch=${small_arch:-$teacher_arch}
width=${width:-${set_up[2]}} epochs=${epochs:-${set_up[3]}} rounds=${rounds:-${set_up[4]}} trial=${trial:-${set_up[5]}}
channels=${channels:-${set_up[6]}} folder=${set_up[7]}
work=${work:-experiments/plant-$size}
mkdir -p "$work"
if [ -z "$data" ]; then
  data=$work/data.h5
  if [ -e "$data" ]; then :
  elif [ "$folder" = figures ]; then figures --samples 5000 --test 1000 --size 16 --quiet -o "$data"
  else tensor-import --quiet "${ESPALIER_DATA:-data/cache}/$folder" -o "$data"; fi
fi

# step FILE COMMAND...: makes the file with -o, unless it is there.
step() {
  [ -e "$1" ] || "${@:2}" -o "$1" >/dev/null
}
# row SEED FILE TEXT: what net-eval says of the file.
row() {
  net-eval --quiet --data "$data" "$2" | awk -F'\t' -v OFS='\t' -v seed="$1" -v text="$3" '
    NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
    { print seed, text, $at["parameters"], $at["macs"], $at["loss"], $at["accuracy"] }'
}

printf 'seed\tnetwork\tparameters\tmacs\ttest_loss\ttest_accuracy\n'
for seed in $seeds; do
  teacher=${given:-$work/teacher-$seed.h5} small=$work/small-$seed.h5
  common=(--quiet "${how[@]}" --train-samples "$samples" --seed "$seed")
  # All but the teacher leave the same tenth of the rows out: what planting is judged on must be new to the network.
  held=(--validation 0.1 --data "$data")
  scratch=(net-train "${common[@]}" "${held[@]}" --epochs $((epochs + finish)))
  search=(plant "${common[@]}" "${held[@]}" --epochs "$trial" --max-rounds "$rounds" --shortlist "$shortlist"
    --channels "$channels" --finish "$finish" "${planting[@]}")
  [ -n "$given" ] ||
    step "$teacher" net-train "${common[@]}" --epochs "$epochs" --data "$data" --arch "$teacher_arch" --width "x$teacher_width"
  row "$seed" "$teacher" teacher
  step "$small" net-train "${common[@]}" "${held[@]}" --epochs "$epochs" --arch "$small_arch" --width "x$width"
  row "$seed" "$small" small
  step "$work/planted-$seed.h5" "${search[@]}" --log "$work/planted-$seed.tsv" "$small"
  row "$seed" "$work/planted-$seed.h5" planted
  step "$work/taught-$seed.h5" "${search[@]}" --teacher "$teacher" --log "$work/taught-$seed.tsv" "$small"
  row "$seed" "$work/taught-$seed.h5" "planted, taught"
  step "$work/scratch-$seed.h5" "${scratch[@]}" --arch "$work/taught-$seed.h5"
  row "$seed" "$work/scratch-$seed.h5" scratch
  step "$work/scratch-taught-$seed.h5" "${scratch[@]}" --arch "$work/taught-$seed.h5" --teacher "$teacher"
  row "$seed" "$work/scratch-taught-$seed.h5" "scratch, taught"
  net-plot --quiet --log "$work/planted-$seed.tsv,$work/taught-$seed.tsv" -x parameters \
    -y validation_accuracy,test_accuracy -o "$work/curve-$seed.svg"
  net-plot --quiet --compare "$work/planted-$seed.h5,$work/taught-$seed.h5" "$small" -o "$work/widths-$seed.svg"
done
