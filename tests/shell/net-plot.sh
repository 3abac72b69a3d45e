#!/usr/bin/env bash
# net-plot: its three pictures in each format, the same bytes every time, what it refuses.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"

figures --samples 200 --test 50 --quiet -o figures.h5
net-train --quiet --arch resnet20 --width x0.25 --epochs 2 --log small.tsv figures.h5 -o small.h5
net-train --quiet --arch resnet20 --width x0.5 --epochs 1 --log large.tsv figures.h5 -o large.h5

begins() { [ "$(head -c ${#2} "$1")" = "$2" ]; }
big_endian() { od -An -tu1 -j "$2" -N 4 "$1" | awk '{ print (($1 * 256 + $2) * 256 + $3) * 256 + $4 }'; }

# Formats.
net-plot small.h5 -o kernels.png && net-plot small.h5 -o kernels.svg && net-plot small.h5 -o kernels.pdf
ok "a name in .png is a PNG" sh -c 'head -c 8 kernels.png | od -An -tx1 | grep -q "89 50 4e 47 0d 0a 1a 0a"'
ok "a name in .svg is an SVG" begins kernels.svg '<?xml version="1.0"'
ok "a name in .pdf is a PDF" begins kernels.pdf '%PDF-1.'
ok "standard output is a PNG" sh -c 'net-plot small.h5 | cmp - kernels.png'
ok "a stream is drawn like a file" sh -c 'net-plot <small.h5 | cmp - kernels.png'
ok "the PDF stores no date" sh -c '! grep -aq Date kernels.pdf'
ok "a title" sh -c 'net-plot --title "A & B" small.h5 -o titled.svg && grep -q "<title>A &amp; B</title>" titled.svg'
for what in "small.h5" "--compare large.h5 small.h5" "--log small.tsv,large.tsv"; do
  for format in png svg pdf; do
    ok "$what: 1 and 4 threads give the same $format" sh -c "net-plot -j 1 --format $format $what >one && net-plot -j 4 --format $format $what >four && cmp one four"
  done
done
net-plot --width 50.8 --dpi 100 small.h5 -o sized.png
ok "--width and --dpi set the pixels" test "$(big_endian sized.png 16)" = 200

# What each option does.
for more in "--layers conv1,layer3.0.conv2" "--linear" "--zero 0.3" "--relative" "--scale log" "--columns 7" "--text-size 6" \
  "--background transparent" "--compare large.h5"; do
  # shellcheck disable=SC2086
  ok "net-plot $more" net-plot $more small.h5 -o more.png
  ok "... changes the picture" sh -c '! cmp -s more.png kernels.png'
done
net-plot --log small.tsv -o log.png
for more in "-x rate" "-y accuracy,test_accuracy" "--x-scale log" "--scale log" "--columns 1"; do
  # shellcheck disable=SC2086
  ok "net-plot --log small.tsv $more" net-plot --log small.tsv $more -o more.png
  ok "... changes the picture" sh -c '! cmp -s more.png log.png'
done
ok "a table from standard input" sh -c 'net-plot --log - <small.tsv | cmp - log.png'
printf 'round\tlayer\tparameters\taccuracy\n1\tconv1\t900\t0.4\n2\tconv2\t2100\t-\n3\tconv1\t4000\t0.7\n' >rounds.tsv
ok "columns of words are passed over" net-plot --log rounds.tsv -o rounds.png
ok "accuracy against size" net-plot --log rounds.tsv -x parameters -y accuracy -o rounds.pdf
head -n 2 small.tsv >one.tsv
ok "one row is drawn as dots" net-plot --log one.tsv -o one.png

# What it refuses.
exits 65 "samples instead of a network" net-plot figures.h5 -o out.png
says 'network'
exits 65 "a layer that is not there" net-plot --layers conv9 small.h5 -o out.png
says "no layer 'conv9'"
exits 65 "a layer without kernels" net-plot --layers bn1 small.h5 -o out.png
exits 66 "a network to compare that is not there" net-plot --compare nothing.h5 small.h5 -o out.png
exits 65 "a column that is not there" net-plot --log small.tsv -y speed -o out.png
says "no column 'speed'"
exits 65 "a column that one of two tables lacks" net-plot --log small.tsv,rounds.tsv -o out.png
says "rounds.tsv: has no column 'epoch'"
exits 65 "words for numbers" net-plot --log rounds.tsv -y layer -o out.png
says "line 2, column 'layer': 'conv1' is not a number"
exits 65 "a column of nothing" net-plot --log small.tsv -y validation_loss -o out.png
says 'holds no numbers'
: >empty.tsv
exits 65 "an empty table" net-plot --log empty.tsv -o out.png
says 'is empty'
head -n 1 small.tsv >names.tsv
exits 65 "names without rows" net-plot --log names.tsv -o out.png
says 'no rows'
exits 65 "HDF5 for a table" net-plot --log small.h5 -o out.png
says 'is no table'
printf 'epoch\tloss\n1\t2\n2\n' >ragged.tsv
exits 65 "a row cut short" net-plot --log ragged.tsv -o out.png
says 'line 3 has 1 cells'
printf 'epoch\tloss\n1\tnan\n2\t3\n' >nan.tsv
exits 65 "NaN in a table" net-plot --log nan.tsv -o out.png
exits 66 "a table that is not there" net-plot --log nothing.tsv -o out.png
says "nothing.tsv: No such file or directory"
exits 66 "a folder for a table" net-plot --log . -o out.png
exits 64 "a network and a table" net-plot --log small.tsv small.h5 -o out.png
exits 64 "two networks" net-plot small.h5 large.h5 -o out.png
exits 64 "two pictures at once" net-plot --log small.tsv --compare large.h5 -o out.png
exits 64 "a column of kernels" net-plot -x epoch small.h5 -o out.png
exits 64 "kernels of a table" net-plot --zero 0 --log small.tsv -o out.png
exits 64 "a scale of bars" net-plot --scale log --compare large.h5 small.h5 -o out.png
exits 64 "a list with a hole" net-plot --log small.tsv,,large.tsv -o out.png
exits 64 "an empty list" net-plot --log '' -o out.png
exits 64 "a suffix that is no format" net-plot small.h5 -o out.jpg
says 'say --format'
exits 64 "fields without room" net-plot --width 20 --columns 8 small.h5 -o out.png
exits 64 "pixels of curves as vectors" net-plot --log small.tsv --dpi 100 -o out.pdf
exits 64 "too many pixels" net-plot --width 2000 --dpi 2400 small.h5 -o out.png
if [ "${MODE:-release}" = release ]; then
  exits 71 "a picture larger than the memory" sh -c 'ulimit -v 700000 && net-plot --width 1000 --dpi 700 small.h5 -o out.png'
else
  skip "a picture larger than the memory" "sanitizers need more address space than any limit"
fi
exits 74 "a folder that is not there" net-plot --log small.tsv -o no/such/folder/out.png
ok "nothing is left behind by what was refused" sh -c '! ls | grep -q "^out"'
done_testing
