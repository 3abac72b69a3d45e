#!/usr/bin/env bash
# embed-plot: formats, sizes, the same bytes every time, what it finds in files, what it refuses.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"

blobs --samples 300 --dims 10 --clusters 4 --quiet -o blobs.h5
qsne --quiet --iterations 60 blobs.h5 -o map.h5
qsne --quiet --iterations 60 -q 1,1.5,2 blobs.h5 -o sweep.h5
qsne --quiet --iterations 60 --dims 1 blobs.h5 -o line.h5
qsne --quiet --iterations 60 --dims 3 blobs.h5 -o space.h5

begins() { [ "$(head -c ${#2} "$1")" = "$2" ]; }
big_endian() { od -An -tu1 -j "$2" -N 4 "$1" | awk '{ print (($1 * 256 + $2) * 256 + $3) * 256 + $4 }'; }
png_size() { echo "$(big_endian "$1" 16)x$(big_endian "$1" 20)"; }

# Formats.
embed-plot map.h5 -o map.png && embed-plot map.h5 -o map.svg && embed-plot map.h5 -o map.pdf
ok "a name in .png is a PNG" sh -c 'head -c 8 map.png | od -An -tx1 | grep -q "89 50 4e 47 0d 0a 1a 0a"'
ok "a name in .svg is an SVG" begins map.svg '<?xml version="1.0"'
ok "a name in .pdf is a PDF" begins map.pdf '%PDF-1.'
ok "standard output is a PNG" sh -c 'embed-plot map.h5 | cmp - map.png'
ok "--format goes before the name" sh -c 'embed-plot --format pdf map.h5 -o odd.png && cmp odd.png map.pdf'
ok "a stream is drawn like a file" sh -c 'embed-plot <map.h5 | cmp - map.png'
ok "the PDF stores no date" sh -c '! grep -aq Date map.pdf'
for format in png svg pdf; do
  ok "1 and 4 threads give the same $format" sh -c "embed-plot -j 1 map.h5 -o one.$format && embed-plot -j 4 map.h5 -o four.$format && cmp one.$format four.$format"
done

# Sizes.
embed-plot --width 50.8 --height 40.64 --dpi 100 map.h5 -o sized.png
ok "--width, --height and --dpi set the pixels" test "$(png_size sized.png)" = 200x160
embed-plot --columns 3 --legend none --dpi 50 sweep.h5 -o row.png
embed-plot --columns 1 --legend none --dpi 50 sweep.h5 -o column.png
ok "three panels in a row are wide, in a column high" sh -c "[ $(big_endian row.png 16) -gt $((2 * $(big_endian row.png 20))) ] && [ $(big_endian column.png 20) -gt $((2 * $(big_endian column.png 16))) ]"

# What stands in the picture.
ok "a title" sh -c 'embed-plot --title "Four & more" map.h5 -o titled.svg && grep -q "<title>Four &amp; more</title>" titled.svg'
ok "points above the limit are an image" sh -c 'embed-plot --vector-limit 299 map.h5 -o image.svg && grep -q data:image/png image.svg && ! grep -q data:image/png map.svg'
for more in "--annotate" "--legend right" "--legend below" "--legend none" "--text-size 6" "--point-size 1" \
  "--opacity 0.5" "--background transparent" "--values labels"; do
  # shellcheck disable=SC2086
  ok "embed-plot $more" embed-plot $more map.h5 -o more.png
  ok "... changes the picture" sh -c 'case "$1" in *right) cmp -s more.png map.png;; *) ! cmp -s more.png map.png;; esac' sh "$more"
done
ok "one dimension" embed-plot line.h5 -o line.png
ok "three dimensions" embed-plot space.h5 -o space.png
ok "... from elsewhere" sh -c 'embed-plot --view 30,-10 space.h5 -o turned.png && ! cmp -s space.png turned.png'
ok "the map by its path" sh -c 'embed-plot --embedding embedding map.h5 | cmp - map.png'
turntable --quiet -o images.h5
qsne --quiet --iterations 60 images.h5 -o images-map.h5
ok "images of the samples" embed-plot --thumbnails images-map.h5 -o images.png
ok "... of another size" sh -c 'embed-plot --thumbnails --thumbnail-size 12 images-map.h5 -o large.png && ! cmp -s images.png large.png'

ok "... and the points' options are refused with them" sh -c '! embed-plot --thumbnails --opacity 1 images-map.h5 -o out.png 2>/dev/null'
printf 'king 8 9\nqueen 8 8\napple 2 1\npear 1 1\n' | tensor-import --quiet --kind words -o words.h5
embed-plot words.h5 -o plain.svg
ok "--ids writes the words" sh -c 'embed-plot --ids words.h5 -o words.svg && ! cmp -s words.svg plain.svg'

# What it refuses.
exits 65 "a file without a map" embed-plot blobs.h5 -o out.png
says 'holds no map'
exits 65 "a map that is not there" embed-plot --embedding nothing map.h5 -o out.png
exits 65 "--thumbnails of vectors" embed-plot --thumbnails map.h5 -o out.png
says 'holds no images'
exits 65 "values of another number" embed-plot --values embedding map.h5 -o out.png
says '600 numbers for 300 samples'
exits 64 "a suffix that is no format" embed-plot map.h5 -o out.jpg
says 'say --format'
exits 64 "a panel without room" embed-plot --width 20 --columns 3 sweep.h5 -o out.png
exits 64 "more columns than maps" embed-plot --columns 2 map.h5 -o out.png
says "--columns is 2, map.h5 holds 1 map$"
exits 64 "pixels of a picture that has none" embed-plot --dpi 100 map.h5 -o out.svg
says "--dpi is for pixels"
ok "... and of one that has" embed-plot --dpi 100 --vector-limit 1 map.h5 -o out.svg
rm out.svg
exits 64 "too many pixels" embed-plot --width 2000 --dpi 2400 map.h5 -o out.png
exits 64 "a view of a plane" embed-plot --view 30,20 map.h5 -o out.png
says 'maps of 3 dimensions'
exits 64 "class names without classes" embed-plot --annotate words.h5 -o out.png
says 'no labels are found'
exits 64 "a legend without classes" embed-plot --legend below words.h5 -o out.png
exits 64 "class names of values" embed-plot --annotate --values labels map.h5 -o out.png
exits 64 "a legend below of values" embed-plot --legend below --values labels map.h5 -o out.png
exits 64 "labels and values" embed-plot --labels labels --values labels map.h5 -o out.png
exits 64 "a size of images that are not shown" embed-plot --thumbnail-size 5 map.h5 -o out.png
exits 64 "a limit of vectors in PNG" embed-plot --vector-limit 5 map.h5 -o out.png
exits 65 "names of samples that have none" embed-plot --ids map.h5 -o out.png
says '/ids is missing'
exits 64 "half a view" embed-plot --view 30 map.h5 -o out.png
ok "nothing is left behind by what was refused" sh -c '! ls | grep -q "^out"'
done_testing
