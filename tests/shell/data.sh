#!/usr/bin/env bash
# The main job on real data: MNIST through pipes and through files, the authors' figures on the digits.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"

at_least() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a >= b) }'; }
# Sanitizers slow the heavy part a hundredfold: there, a tenth of the samples would still take minutes.
heavy() { [ "${MODE:-release}" = release ] || { skip "$1" "only in release mode"; return 1; }; }

if has_data "MNIST" mnist/train-images-idx3-ubyte.gz && heavy "MNIST"; then
  tensor-import "$ESPALIER_DATA/mnist" 2>import.err | qsne -q 2 2>qsne.err | knn-eval -k 10 2>knn.err >pipe.tsv
  ok "MNIST, 70,000 x 784, through a pipe: k-NN accuracy $(cell 2 accuracy pipe.tsv) is at least 0.95" at_least "$(cell 2 accuracy pipe.tsv)" 0.95
  ok "progress goes to standard error" grep -q optimise qsne.err
  tensor-import "$ESPALIER_DATA/mnist" --quiet -o mnist.h5
  qsne -q 2 --quiet mnist.h5 -o map.h5
  knn-eval -k 10 --quiet map.h5 >file.tsv
  ok "through files: the same numbers" cmp pipe.tsv file.tsv
fi

if has_data "digits" digits/digits.csv.gz && heavy "digits"; then
  tensor-import "$ESPALIER_DATA/digits/digits.csv.gz" --label last --quiet -o digits.h5
  qsne --reference --quiet -q 1.1,1.5,2,2.5,2.9 --report kl.tsv digits.h5 -o reference.h5
  while read -r q published; do
    kl=$(awk -v q="$q" '$1 == q { print $2 }' kl.tsv)
    ok "--reference on digits at q = $q: KL $kl, the authors' $published" at_least "$(awk -v p="$published" 'BEGIN { print 1.03 * p }')" "$kl"
  done <<'FIGURES'
1.1 1.119
1.5 0.758
2 0.676
2.5 0.932
2.9 1.219
FIGURES
fi

for file in anndata/pbmc68k_reduced.h5ad anndata/pbmc68k_reduced.old-format.h5ad anndata/anndata-archive-v0.7.0.h5ad \
  anndata/10x_filtered_feature_bc_matrix.h5 ann-benchmarks/glove-25-angular-11k-500.hdf5; do
  has_data "$file" $file && ok "$file opens" qsne --quiet --iterations 20 "$ESPALIER_DATA/$file" -o out.h5
done
if has_data "labels of AnnData" anndata/pbmc68k_reduced.h5ad; then
  ok "AnnData with labels of obs" sh -c 'qsne --quiet --iterations 300 "$ESPALIER_DATA"/anndata/pbmc68k_reduced.h5ad -o cells.h5ad && knn-eval -k 10 --labels bulk_labels --at-least accuracy=0.6 cells.h5ad'
  ok "... gets obsm/X_qsne and nothing at the root" sh -c 'h5dump -n cells.h5ad | grep -q /obsm/X_qsne && ! h5dump -n cells.h5ad | grep -qE "dataset */(embedding|data)"'
fi
done_testing
