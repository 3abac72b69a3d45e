# Sourced after tap.sh: small inputs, and for every tool a command line that works on them. Nothing here lists the tools.
# shellcheck shell=bash

seq 400 | awk '{ print $1 % 7, $1 % 11, $1 % 13, $1 % 2 }' OFS=, >numbers.csv
tensor-import numbers.csv --label last -o samples.h5 --quiet
qsne --quiet --iterations 20 samples.h5 -o map.h5
net-train --quiet --arch resnet20 --width x0.1 --epochs 1 samples.h5 -o network.h5

# What a tool needs on its command line to run at all, where the plain `TOOL FILE` is not enough.
arguments() {
  case $1 in
    tensor-export) echo "--format csv" ;;
    embed-plot | net-plot) echo "--format png" ;;
    qsne) echo "--iterations 20" ;;
    net-train | sparsify) echo "--quiet --arch resnet20 --width x0.1 --epochs 1" ;;
    net-eval) echo "--data map.h5 --logits" ;;
    prune) echo "--quiet --data map.h5 --samples 8 --epochs 0 --max-rounds 1" ;;
    plant) echo "--quiet --data map.h5 --shortlist 1 --max-rounds 1" ;;
  esac
}
good_input() {
  case $1 in
    tensor-import) echo numbers.csv ;;
    net-eval | net-plot | prune | plant) echo network.h5 ;;
    *) echo map.h5 ;;
  esac
}
# writes_files TOOL: true where it has -o.
writes_files() { grep -q '^\.It Fl o ,' "$TOP/man/$1.1"; }
