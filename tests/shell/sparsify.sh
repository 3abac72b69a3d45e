#!/usr/bin/env bash
# sparsify: zeros appear, lambda = 0 is net-train, a path of lambdas, resuming to the same bytes, reports, refusals.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"

figures --samples 1200 --test 200 --size 16 --quiet -o figures.h5
small=(--quiet --arch resnet20 --width x0.25 --batch 64)

# Bytes.
net-train "${small[@]}" --epochs 2 figures.h5 -o plain.h5 --no-history
ok "lambda = 0 trains" sh -c "sparsify ${small[*]} --epochs 2 --lambda 0 figures.h5 -o zero.h5 --no-history >zero.tsv"
ok "... to the bytes of net-train" cmp plain.h5 zero.h5
for threads in 1 2 4; do
  sparsify "${small[@]}" --epochs 1 -j $threads figures.h5 -o threads$threads.h5 >/dev/null
done
ok "1, 2 and 4 threads give the same bytes" sh -c 'cmp threads1.h5 threads2.h5 && cmp threads1.h5 threads4.h5'

# Zeros, under every regularizer, grouping and solver.
for name in l1 gl hsr-gl hsq-gl es hsr-es hsq-es gl12 hsr-gl12 hsq-gl12; do
  for grouping in feature neuron; do
    ok "$name, $grouping, prox: exact zeros" sh -c "sparsify ${small[*]} --epochs 1 --regularizer $name --grouping $grouping --solver prox --lambda 3e-3 --zero 0 figures.h5 -o r.h5 --log r.tsv"
    ok "... in a share of the weights" above "$(cell last zero_weights r.tsv)" 0.01
    ok "$name, $grouping, sgd" sh -c "sparsify ${small[*]} --epochs 1 --regularizer $name --grouping $grouping --lambda 1e-3 figures.h5 -o r.h5"
  done
done
ok "zeros of prox are in the file" sh -c "sparsify ${small[*]} --epochs 1 --solver prox --lambda 1e-2 figures.h5 -o r.h5 && tensor-export --dataset /network/parameters/layer1.0.conv1.weight --format csv r.h5 | tr , '\n' | grep -qx 0"
for more in "--mix 1" "--mix 0" "--normalize-groups --lambda 1e-2" "--lambda-schedule ramp" "--lambda-schedule warm-up --lambda-warmup 1" \
  "--exclude conv1,layer1.0.conv1" "--teacher plain.h5" "--recipe mitsuno" "--optimizer adamw --rate 0.001"; do
  # shellcheck disable=SC2086
  ok "sparsify $more" sparsify "${small[@]}" --epochs 1 $more figures.h5 -o more.h5
done
ok "shortcut projections are regularized on request" sparsify --quiet --arch resnet20-b --width x0.25 --epochs 1 --shortcuts figures.h5 -o more.h5
ok "a stream is trained on like a file" sh -c "sparsify ${small[*]} --no-history --epochs 1 <figures.h5 >stream.h5 && sparsify ${small[*]} --no-history --epochs 1 figures.h5 -o file.h5 && cmp stream.h5 file.h5"

# A path.
ok "a path of lambdas" sh -c "sparsify ${small[*]} --epochs 2 -l 1e-4,1e-2 figures.h5 -o 'path-{lambda}.h5' --log '{lambda}.tsv' --report '{lambda}.json' --json --solver prox >path.json"
ok "... has a network for each" net-eval --data figures.h5 path-0.0001.h5
ok "... more of the second is zero" above "$(cell last zero_weights 0.01.tsv)" "$(cell last zero_weights 0.0001.tsv)"
ok "... and reports that programs read" sh -c "grep -q '\"zero_input_groups\"' 0.01.json && grep -c '^{' path.json | grep -qx 2"
ok "tables of a path have an empty line between them" sh -c "sparsify ${small[*]} --epochs 1 -l 1e-4,1e-2 figures.h5 -o 'tables-{lambda}.h5' | grep -c '^$' | grep -qx 1"
exits 64 "--from and --arch are one too many" sparsify "${small[@]}" --from path-0.0001.h5 -l 1e-2 figures.h5 -o warm.h5
sparsify --quiet --batch 64 --epochs 2 -l 1e-2 --solver prox --from path-0.0001.h5 figures.h5 -o warm.h5 >/dev/null
ok "... the second as if begun from the first" sh -c 'tensor-export --dataset /network/parameters/conv1.weight --format npy warm.h5 >a.npy && tensor-export --dataset /network/parameters/conv1.weight --format npy path-0.01.h5 | cmp a.npy -'

# What is wrong is named.
exits 64 "several lambdas in one file" sparsify "${small[@]}" -l 1,2 figures.h5 -o x.h5
says "{lambda}"
exits 64 "a lambda twice" sparsify "${small[@]}" -l 1e-4,1e-3,0.0001 figures.h5 -o 'x-{lambda}.h5'
says "0.0001 twice"
exits 64 "several lambdas in one log" sparsify "${small[@]}" -l 1,2 figures.h5 -o 'x-{lambda}.h5' --log x.tsv
exits 64 "a regularizer that there is not" sparsify "${small[@]}" --regularizer l0 figures.h5 -o x.h5
exits 64 "prox with adamw" sparsify "${small[@]}" --solver prox --optimizer adamw figures.h5 -o x.h5
exits 64 "an excluded layer that there is not" sparsify "${small[@]}" --exclude conv9 figures.h5 -o x.h5
says "conv9"
exits 74 "a report in a folder that there is not, before anything is read" sparsify "${small[@]}" --report no/such/r.tsv none.h5 -o x.h5
exits 64 "a report of another kind" sparsify "${small[@]}" --report x.csv figures.h5 -o x.h5
exits 64 "--lambda-warmup without its schedule" sparsify "${small[@]}" --lambda-warmup 3 figures.h5 -o x.h5
exits 64 "a negative lambda" sparsify "${small[@]}" --lambda -1 figures.h5 -o x.h5
done_testing
