#!/usr/bin/env bash
# The fetch-* scripts against a mirror of files made here: nothing leaves the machine.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"

if ! command -v curl >/dev/null || ! command -v unzip >/dev/null; then
  skip "fetch-*" "curl and unzip are needed"
  done_testing
  exit
fi

mirror=$SCRATCH/mirror
export ESPALIER_DATA=$SCRATCH/cache ESPALIER_MIRROR=file://$mirror BIN=$SCRATCH/bin
# A stand-in for the importer shows what the scripts ask of it.
mkdir -p bin
printf '#!/bin/sh\nfor last; do :; done\necho "$*" >"$last"\n' >bin/tensor-import
chmod +x bin/tensor-import

# pinned SCRIPT CHECK...: a copy of the script with the checksums of our own files, in the order of its fetches.
pinned() {
  local script=$1 check
  shift
  mkdir -p scripts/data
  cp "$TOP/data/fetch.sh" scripts/data/
  cp "$TOP/data/$script" "scripts/data/$script"
  for check; do sed -i "0,/ \(md5\|sha256\|bytes\):[0-9a-f]\{8,\}/s// new-$check/" "scripts/data/$script"; done
  sed -i 's/ new-/ /' "scripts/data/$script"
}
md5() { echo "md5:$(md5sum <"$1" | cut -d' ' -f1)"; }

for script in "$TOP"/data/fetch-*; do
  ok "$(basename "$script") --help" "$script" --help
  says 'usage: fetch-'
done
exits 64 "an operand" "$TOP/data/fetch-mnist" everything
exits 66 "nothing to be had from the mirror" "$TOP/data/fetch-cifar-10"
says 'cannot fetch file:.*cifar-10-binary.tar.gz'
ESPALIER_MIRROR=http://127.0.0.1:1 exits 66 "no network" "$TOP/data/fetch-cifar-10"

# Plain files, one of them half there.
mkdir -p "$mirror/mnist" cache/mnist
sums=()
for file in train-images-idx3 train-labels-idx1 t10k-images-idx3 t10k-labels-idx1; do
  head -c 100000 /dev/urandom >"$mirror/mnist/$file-ubyte.gz"
  sums+=("$(md5 "$mirror/mnist/$file-ubyte.gz")")
done
pinned fetch-mnist "${sums[@]}"
head -c 50000 "$mirror/mnist/train-images-idx3-ubyte.gz" >cache/mnist/train-images-idx3-ubyte.gz.part
cp "$mirror/mnist/train-labels-idx1-ubyte.gz" cache/mnist/train-labels-idx1-ubyte.gz.part
# The mirror's first half is spoilt meanwhile: only a transfer that goes on from the middle still gives the right sum.
cp "$mirror/mnist/train-images-idx3-ubyte.gz" whole
dd if=/dev/zero of="$mirror/mnist/train-images-idx3-ubyte.gz" bs=1000 count=50 conv=notrunc 2>dd.log
ok "MNIST: fetched, one file resumed, one found whole" scripts/data/fetch-mnist
ok "... the resumed file is right" cmp whole cache/mnist/train-images-idx3-ubyte.gz
ok "... and imported" grep -qx -- '. -o .*/cache/mnist.h5' cache/mnist.h5
ok "... nothing half-made is left" sh -c '! find cache -name "*.part" -o -name unpacking | grep -q .'
rm -r "$mirror/mnist"
ok "what is there is not fetched again" scripts/data/fetch-mnist
printf x >>cache/mnist/t10k-labels-idx1-ubyte.gz
exits 65 "a file that was changed later" scripts/data/fetch-mnist

# Wrong contents.
mkdir -p "$mirror/fashion-mnist"
echo "not found, sorry" >"$mirror/fashion-mnist/train-images-idx3-ubyte.gz"
exits 65 "a wrong checksum" "$TOP/data/fetch-fashion-mnist"
says 'not what was published'
ok "... leaves nothing behind" sh -c '! ls cache/fashion-mnist/* cache/fashion-mnist.h5'

# Archives.
mkdir -p "$mirror/cifar-10" make/cifar-10-batches-bin
for i in 1 2 3 4 5; do echo "batch $i" >make/cifar-10-batches-bin/data_batch_$i.bin; done
tar -czf "$mirror/cifar-10/cifar-10-binary.tar.gz" -C make cifar-10-batches-bin
pinned fetch-cifar-10 "$(md5 "$mirror/cifar-10/cifar-10-binary.tar.gz")"
ok "CIFAR-10: fetched and unpacked" scripts/data/fetch-cifar-10
ok "... in its folder" cmp make/cifar-10-batches-bin/data_batch_3.bin cache/cifar-10/cifar-10-batches-bin/data_batch_3.bin
ok "... without the archive" [ ! -e cache/cifar-10/cifar-10-binary.tar.gz ]
rm -r "$mirror/cifar-10"
ok "... once" scripts/data/fetch-cifar-10

if command -v zip >/dev/null; then
  mkdir -p "$mirror/coil-20" "$mirror/glove" make/coil-20-proc
  for i in $(seq 1440); do echo "$i" >"make/coil-20-proc/obj1__$i.png"; done
  (cd make && zip -qr "$mirror/coil-20/coil-20-proc.zip" coil-20-proc)
  ok "COIL-20, whose checksum is not published" "$TOP/data/fetch-coil-20"
  says 'no checksum is published; sha256 [0-9a-f]{64}'
  rm -r cache/coil-20 && mkdir cache/coil-20
  head -c 100000 "$mirror/coil-20/coil-20-proc.zip" >cache/coil-20/coil-20-proc.zip
  exits 65 "a damaged archive" "$TOP/data/fetch-coil-20"
  says 'cannot be unpacked'

  for d in 50 100; do echo "the 0.1 0.2" >make/glove.6B.${d}d.txt; done
  (cd make && zip -q "$mirror/glove/glove.6B.zip" glove.6B.*d.txt)
  pinned fetch-glove "bytes:$(wc -c <"$mirror/glove/glove.6B.zip")"
  ok "GloVe: one member of the archive" scripts/data/fetch-glove
  ok "... and no other" sh -c '[ "$(ls cache/glove)" = glove.6B.50d.txt ]'
else
  skip "zip archives" "zip is not installed"
fi

rm cache/cifar-10.h5 bin/tensor-import
ok "without the importer" scripts/data/fetch-cifar-10
says 'tensor-import is not built'
done_testing
