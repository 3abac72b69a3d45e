#!/usr/bin/env bash
# tensor-export: formats, columns, sweeps, and what comes back through tensor-import.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"

prints() { local want=$1; shift; [ "$("$@" | tr '\n' '|')" = "$want" ] || { "$@"; return 1; }; }

printf 'id,a,b,kind\nx,0.1,-2,"oak, red"\n"y ""z""",1e-45,3.4028235e38,elm\n' >t.csv
tensor-import t.csv --label kind --id id -o t.h5
ok "CSV has a header and quotes what needs it" prints 'id,x0,x1,label|x,0.1,-2,"oak, red"|"y ""z""",1e-45,3.4028235e+38,elm|' tensor-export --id-column --label-column t.h5
ok "TSV goes by the suffix" sh -c "tensor-export t.h5 -o t.tsv && head -n 1 t.tsv | grep -qx 'x0	x1'"
ok "--no-header leaves it out" prints '0.1,-2|1e-45,3.4028235e+38|' tensor-export --no-header t.h5
ok "a dataset of one axis is a column of its own name" prints 'labels|1|0|' tensor-export --dataset /labels t.h5
ok "text is a column" prints 'ids|x|"y ""z"""|' tensor-export --dataset ids t.h5
ok "a stream is read like a file" sh -c 'tensor-export <t.h5 >a.csv; tensor-export t.h5 -o b.csv; cmp a.csv b.csv'
ok "all comes back through tensor-import" sh -c 'tensor-export --id-column --label-column t.h5 | tensor-import --id id --label label --no-history >a.h5; tensor-import --no-history t.csv --label kind --id id -o b.h5; cmp a.h5 b.h5'

# NPY.
tensor-export t.h5 -o t.npy
ok "NPY starts with its magic and a header padded to 64" sh -c '[ "$(head -c 6 t.npy | od -An -c | tr -d " ")" = "223NUMPY" ] && [ $(($(wc -c <t.npy) - 16)) = 128 ]'
ok "NPY comes back through tensor-import" sh -c 'tensor-export --no-header t.h5 >a.csv; tensor-import t.npy | tensor-export --no-header | cmp - a.csv'
ok "labels as NPY are int32" sh -c "tensor-export --dataset labels --format npy t.h5 | head -c 60 | grep -aq \"'<i4'\""
exits 64 "NPY takes no columns" tensor-export --format npy --label-column t.h5
exits 64 "... and has no header to leave out" tensor-export --format npy --no-header t.h5
exits 65 "NPY takes no text" tensor-export --format npy --dataset ids t.h5

# Images.
printf 'P2 2 1 255 7 8' >p.pgm
tensor-import p.pgm -o p.h5
ok "an image is flattened, its columns named by channel, row and column" prints 'x0_0_0,x0_0_1|7,8|' tensor-export p.h5

# Maps, and sweeps.
blobs --samples 200 --dims 5 --clusters 3 --quiet -o blobs.h5
qsne --quiet --iterations 30 blobs.h5 -o map.h5
qsne --quiet --iterations 30 -q 1.5,2 blobs.h5 -o sweep.h5
ok "a map has a row for each sample" sh -c '[ "$(tensor-export --dataset embedding --label-column map.h5 | grep -c ,)" = 201 ]'
ok "a sweep has its q in front" sh -c 'tensor-export --dataset embedding --label-column sweep.h5 >s.csv; head -n 1 s.csv | grep -qx q,x0,x1,label && [ "$(cut -d, -f1 s.csv | sort | uniq -c | tr -s " " | tr "\n" "|")" = " 200 1.5| 200 2| 1 q|" ]'

# What is refused.
exits 65 "a dataset that is not there is named" tensor-export --dataset nothing t.h5
says "t.h5: /nothing is missing; there are: /data: "
exits 65 "a file without ids has no ids to add" sh -c "tensor-import t.npy | tensor-export --id-column"
exits 65 "labels that are not there are missed" tensor-export --label-column p.h5
says "holds no labels"
exits 64 "a suffix that says nothing is refused" tensor-export t.h5 -o t.txt
says "csv, .tsv nor .npy"
ok "nothing is left behind by a failure" sh -c '! tensor-export --dataset nothing t.h5 -o never.csv && [ -z "$(ls -A | grep never)" ]'
done_testing
