#!/usr/bin/env bash
# tensor-import: every kind of input through the tool, what it guesses, what it refuses, and the public data sets.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"

# Bytes in octal escapes.
idx_images() { printf '\0\0\10\3\0\0\0\2\0\0\0\2\0\0\0\2\1\2\3\4\5\6\7\10'; }
idx_labels() { printf '\0\0\10\1\0\0\0\2\1\0'; }
# cifar LABELS...: records of 3072 bytes of their label.
cifar() { for label; do head -c 3073 /dev/zero | tr '\0' "\\$(printf %03o "$label")"; done; }
shape() { tensor-export --dataset "${2:-data}" --format npy "$1" | head -c 128 | grep -ao "shape.: ([^)]*)"; }
has_shape() { [ "$(shape "$1" "${3:-data}")" = "shape': ($2)" ] || { shape "$1" "${3:-data}"; return 1; }; }
column() { tensor-export --no-header --dataset "$2" "$1" | tr '\n' ' '; }
holds() { [ "$(column "$1" "$2")" = "$3 " ] || { column "$1" "$2"; return 1; }; }

# IDX, by the names of MNIST.
mkdir mnist
idx_images | gzip >mnist/train-images-idx3-ubyte.gz
idx_labels | gzip >mnist/train-labels-idx1-ubyte.gz
idx_images >mnist/t10k-images-idx3-ubyte
idx_labels >mnist/t10k-labels-idx1-ubyte
ok "a folder with MNIST's names gives both parts" tensor-import mnist -o mnist.h5
ok "... as images" has_shape mnist.h5 "4, 1, 2, 2"
ok "... with labels" holds mnist.h5 labels "1 0 1 0"
ok "... and the split" holds mnist.h5 split "0 0 1 1"
ok "a single IDX file finds its labels" sh -c 'tensor-import mnist/train-images-idx3-ubyte.gz | tensor-export --dataset labels >labels.csv'
ok "IDX comes through a pipe" sh -c 'tensor-import <mnist/t10k-images-idx3-ubyte >pipe.h5'
ok "... as in a file" has_shape pipe.h5 "2, 1, 2, 2"

# CIFAR.
mkdir -p cifar/cifar-10-batches-bin
cifar 1 2 >cifar/cifar-10-batches-bin/data_batch_1.bin
cifar 3 >cifar/cifar-10-batches-bin/data_batch_2.bin
cifar 4 >cifar/cifar-10-batches-bin/test_batch.bin
printf 'airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n' >cifar/cifar-10-batches-bin/batches.meta.txt
ok "CIFAR-10's folder gives both parts, also from the folder above" tensor-import cifar -o cifar.h5
ok "... with labels" holds cifar.h5 labels "1 2 3 4"
ok "... with the names of the classes" sh -c 'tensor-export --label-column cifar.h5 | tail -n 1 | grep -q ",deer$"'
exits 65 "a truncated batch is refused" sh -c 'head -c 4000 cifar/cifar-10-batches-bin/data_batch_1.bin >cut.bin; tensor-import --kind cifar10 cut.bin'
says "cut.bin: ends inside record 1"

# Tables.
printf 'name,a,b,kind\nx,1,2,oak\ny,3,4,elm\n' >t.csv
ok "columns of a table go by name" tensor-import t.csv --label kind --id name -o t.h5
ok "... labels in order of their names" holds t.h5 labels "1 0"
ok "... ids" holds t.h5 ids "x y"
ok "a table packed in a pipe reads the same" sh -c 'gzip <t.csv | tensor-import --no-history --label kind --id name >a.h5; tensor-import --no-history t.csv --label kind --id name -o b.h5; cmp a.h5 b.h5'
printf '1,2\n3,\n' >missing.csv
exits 65 "a missing value is named by row and column" tensor-import missing.csv
says "missing.csv: row 2, column 2: the value is missing"
ok "--allow-nan lets it pass" tensor-import --allow-nan missing.csv -o missing.h5
ok "--test gives a second part" tensor-import t.csv --label kind --id name --test t.csv -o two.h5
ok "... behind the first" holds two.h5 split "0 0 1 1"
printf '7\n8\n' >classes.txt
ok "--label-file gives classes of any name" sh -c 'printf "1,2\n3,4\n" | tensor-import --label-file classes.txt | tensor-export --label-column --no-header | tr "\n" " " | grep -qx "1,2,7 3,4,8 "'
exits 65 "labels of another number are refused" sh -c 'echo 1 >one.txt; printf "1,2\n3,4\n" | tensor-import --label-file one.txt'
says "one.txt: has 1 labels"
exits 64 "two ways to labels are one too many" tensor-import t.csv --label kind --label-every 1

ok "more classes than have room for names are numbered, with a note" sh -c 'seq 5000 | sed "s/.*/&,1,c&/" | tensor-import --label last -o many.h5'
says "names are left out"

# Word vectors.
printf '2 3\nthe .5 1 2\nof 3 4 5\n' | tensor-import -o words.h5
ok "word vectors come with their words" holds words.h5 ids "the of"

# NPY out and in again.
tensor-export mnist.h5 -o mnist.npy
ok "NPY is read as it was written" sh -c 'tensor-import mnist.npy | tensor-export --format npy | cmp - mnist.npy'

# Images.
mkdir -p pictures/red pictures/blue
printf 'P3 2 1 255 9 0 0 8 0 0' >pictures/red/1.ppm
printf 'P3 2 1 255 0 0 9 0 0 8' >pictures/blue/1.ppm
ok "a folder for each class gives colour images" tensor-import pictures -o pictures.h5
ok "... of C x H x W" has_shape pictures.h5 "2, 3, 1, 2"
ok "... with labels" holds pictures.h5 labels "0 1"
ok "... and paths as ids" holds pictures.h5 ids "blue/1.ppm red/1.ppm"
ok "images are resized and made grey" tensor-import pictures --resize 4x4 --color grey -o small.h5
ok "... to the size asked for" has_shape small.h5 "2, 1, 4, 4"
printf 'P2 3 1 255 1 2 3' >pictures/red/2.pgm
exits 65 "images of two sizes are both named" tensor-import pictures
says "2.pgm: is 3 x 1, .*1.ppm is 2 x 1"
printf 'P3 2 1' >pictures/red/2.pgm
exits 65 "a broken image is named" tensor-import pictures
says "red/2.pgm: is a truncated"
ok "... and passed over on request" tensor-import --skip-broken pictures -o some.h5
says "passed over"
ok "1 and 4 threads give the same bytes" sh -c 'for j in 1 4; do tensor-import --no-history -j $j --skip-broken --quiet pictures -o $j.h5; done; cmp 1.h5 4.h5'

# What is refused, and how it is named.
exits 65 "HDF5 is refused with advice" tensor-import t.h5
says "is HDF5 already"
exits 65 "an unknown format is refused with advice" sh -c 'head -c 999 t.h5 | tail -c 900 >odd; tensor-import odd'
says "odd: .*--kind names it"
exits 65 "a folder of nothing is refused" sh -c 'mkdir void; tensor-import void'
exits 65 "an empty stream is refused" sh -c 'tensor-import </dev/null'
exits 64 "a size that is none is refused" tensor-import pictures --resize 4by4
exits 66 "a label file that is missing is named" tensor-import t.csv --label-file no-such-labels
says "no-such-labels"
ok "nothing is left behind by a failure" sh -c '! tensor-import missing.csv -o never.h5 && [ -z "$(ls -A | grep never)" ]'

# The public data sets.
if has_data "MNIST has its 70,000 digits" mnist/train-images-idx3-ubyte.gz; then
  ok "MNIST is read" tensor-import "$ESPALIER_DATA/mnist" -o real.h5
  ok "... 70,000 digits" has_shape real.h5 "70000, 1, 28, 28"
  ok "... 5,923 zeros in training" sh -c 'test "$(tensor-export --dataset labels --no-header real.h5 | head -n 60000 | grep -cx 0)" = 5923'
fi
if has_data "CIFAR-10 has its classes" cifar-10/cifar-10-batches-bin/test_batch.bin; then
  ok "CIFAR-10 is read" tensor-import "$ESPALIER_DATA/cifar-10/cifar-10-batches-bin" -o real.h5
  ok "... 5,000 and 1,000 of each class" sh -c 'tensor-export --dataset labels --no-header real.h5 >l; head -n 50000 l | sort | uniq -c | awk "\$1 != 5000 { exit 1 }" && tail -n 10000 l | sort | uniq -c | awk "\$1 != 1000 { exit 1 }"'
fi
if has_data "COIL-20 has 72 views of 20 objects" coil-20/coil-20-proc; then
  ok "COIL-20 is read" tensor-import "$ESPALIER_DATA/coil-20/coil-20-proc" --label-pattern 'obj([0-9]+)__' -o real.h5
  ok "... 1,440 images" has_shape real.h5 "1440, 1, 128, 128"
  ok "... 72 of each object" sh -c 'tensor-export --dataset labels --no-header real.h5 | sort | uniq -c | awk "\$1 != 72 { exit 1 } END { exit NR != 20 }"'
fi
if has_data "the digits have their sums" digits/digits.csv.gz; then
  ok "the digits are read" tensor-import "$ESPALIER_DATA/digits/digits.csv.gz" --label last -o real.h5
  ok "... with a sum of 561,718, and 569,788 with the labels" sh -c 'tensor-export --label-column --no-header real.h5 | awk -F, "{ for (i = 1; i <= 64; i++) s += \$i; l += \$65 } END { exit !(s == 561718 && s + l == 569788) }"'
fi
if has_data "the Olivetti faces are 400" olivetti/olivettifaces.mat; then
  ok "the faces are read" tensor-import "$ESPALIER_DATA/olivetti/olivettifaces.mat" --variable faces --label-every 10 -o real.h5
  ok "... as images" has_shape real.h5 "400, 1, 64, 64"
  ok "... of 40 persons" sh -c 'test "$(tensor-export --dataset labels --no-header real.h5 | sort -u | wc -l)" = 40'
fi
if has_data "GloVe has its words" glove/glove.6B.50d.subset.txt; then
  ok "word vectors are read" tensor-import "$ESPALIER_DATA/glove/glove.6B.50d.subset.txt" -o real.h5
  ok "... 2,987 of them" has_shape real.h5 "2987, 50"
fi
printf '1,2\n3,4\n' >idle.csv
ok "rows of a table are images on request" tensor-import --quiet --image 2x1 idle.csv -o rows.h5
ok "... of C x H x W" has_shape rows.h5 "2, 1, 1, 2"
exits 65 "... of a size that divides them" tensor-import --image 2x2 idle.csv -o rows.h5
printf 'the .5 1 2\n' >idle.txt
exits 64 "a size for word vectors" tensor-import --image 3x1 --kind words idle.txt -o rows.h5
for idle in --coarse --unlabelled --skip-broken "--variable x" "--samples rows" "--channels last" "--label-pattern (.)" "--resize 2x2" "--color grey"; do
  # shellcheck disable=SC2086
  exits 64 "a table with $idle" tensor-import $idle idle.csv -o idle.h5
done
says 'is for images, and none is among the input'
mkfifo pipe.csv
printf '1,2,0\n3,4,1\n' >two.csv
ok "a named pipe is read like a file" sh -c 'cat two.csv >pipe.csv & timeout 20 tensor-import --quiet --no-history --label last pipe.csv -o pipe.h5 && tensor-import --quiet --no-history --label last two.csv | cmp - pipe.h5'
done_testing
