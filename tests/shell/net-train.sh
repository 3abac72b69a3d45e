#!/usr/bin/env bash
# net-train and net-eval: learning, resuming to the same bytes, distilling, files that PyTorch's names describe, refusals.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"

figures --samples 1200 --test 200 --size 16 --quiet -o figures.h5
small=(--quiet --arch resnet20 --width x0.25 --batch 64)

# metric NAME FILE: a figure of net-eval's summary on the test rows.
metric() { cell 2 "$1" <(net-eval --quiet --data figures.h5 "$2"); }

# Learning. Bytes.
ok "a network trains" net-train "${small[@]}" --epochs 4 --rate 0.1 figures.h5 -o net.h5 --log net.tsv
ok "its loss falls" sh -c "[ $(wc -l <net.tsv) = 5 ]"
ok "... from epoch to epoch" above "$(cell 2 loss net.tsv)" "$(cell 5 loss net.tsv)"
ok "net-eval finds the accuracy that the log has" test "$(metric accuracy net.h5)" = "$(cell 5 test_accuracy net.tsv)"
for threads in 1 2 4; do
  net-train "${small[@]}" --epochs 1 -j $threads figures.h5 -o threads$threads.h5
done
ok "1, 2 and 4 threads give the same bytes" sh -c 'cmp threads1.h5 threads2.h5 && cmp threads1.h5 threads4.h5'
ok "a stream is trained on like a file" sh -c "net-train --no-history ${small[*]} --epochs 1 <figures.h5 >stream.h5 && net-train --no-history ${small[*]} --epochs 1 figures.h5 | cmp - stream.h5"
ok "--data is the operand" sh -c "net-train ${small[*]} --epochs 1 --data figures.h5 -o data.h5 && net-eval data.h5"

# What a stop leaves; tests/shell/interruption.sh has the bytes.
endless=("${small[@]}" --epochs 10000)
net-train "${endless[@]}" figures.h5 -o other.h5 &
while [ ! -e other.h5.ckpt ] && kill -0 $! 2>/dev/null; do sleep 0.05; done
kill -TERM $!
wait $!
stopped=$?
ok "a stop leaves a checkpoint" test "$stopped $(ls other.h5.ckpt)" = "75 other.h5.ckpt"
exits 65 "a checkpoint of another command is refused" net-train "${endless[@]}" --rate 0.01 figures.h5 -o other.h5
says "is the checkpoint of"

# From a network, from a teacher, with validation.
ok "a network goes on" net-train --quiet --from net.h5 --epochs 1 --rate 0.001 figures.h5 -o on.h5
ok "a checkpoint is a network" net-train --quiet --from other.h5.ckpt --epochs 1 figures.h5 -o on2.h5
ok "a teacher teaches" net-train "${small[@]}" --epochs 1 --teacher net.h5 figures.h5 -o taught.h5
ok "... which changes the result" sh -c '! cmp -s taught.h5 threads1.h5'
ok "a part is held out" net-train "${small[@]}" --epochs 2 --validation 0.2 figures.h5 -o held.h5 --log held.tsv
ok "... and scored" above "$(cell 3 validation_accuracy held.tsv)" 0
for more in "--optimizer adamw --rate 0.001" "--schedule step --drops 1 --factor 0.5" "--schedule cosine --warmup 1" \
  "--recipe digits" "--mixup 0.2 --cutout 4 --label-smoothing 0.1" "--no-flip --crop 0 --decay-weights-only" \
  "--schedule constant --nesterov --momentum 0.8 --weight-decay 0"; do
  # shellcheck disable=SC2086
  ok "net-train $more" net-train "${small[@]}" --epochs 2 $more figures.h5 -o more.h5
done
for name in resnet18 resnet18-w8 resnet20-b; do
  ok "$name trains and is scored" sh -c "figures --samples 40 --test 8 --size 32 --quiet | net-train --quiet --arch $name --width x0.1 --epochs 1 --batch 16 | net-eval >stock.tsv"
done
for name in vgg16-bn vgg11-mini alexnet-mini cnn-mini; do
  ok "$name trains and is scored" sh -c "figures --samples 40 --test 8 --size 32 --quiet | net-train --quiet --arch $name --width x0.2 --epochs 1 --batch 16 --rate 0.01 | net-eval >stock.tsv"
done

# net-eval.
ok "costs without data" sh -c "net-eval net.h5 | grep -q parameters"
ok "the report as JSON" sh -c "net-eval --json --per-class --confusion --layers --times 1,8 --data figures.h5 net.h5 >report.json && python3 -m json.tool report.json >/dev/null 2>&1 || grep -q confusion report.json"
ok "... and where the report's name ends so" sh -c "net-eval --data figures.h5 --report named.json net.h5 && grep -q '^{' named.json"
ok "a state dict takes its width as net-train does" sh -c "net-eval --data figures.h5 net.h5 | cut -f 5-6 >own.tsv && net-eval --arch resnet20 --width ${small[4]} --data figures.h5 net.h5 | cut -f 5-6 | cmp - own.tsv"
ok "any batch gives the same report" sh -c 'net-eval --quiet --data figures.h5 --confusion --batch 7 net.h5 | cut -f1-4 >seven && net-eval --quiet --data figures.h5 --confusion --batch 64 net.h5 | cut -f1-4 | cmp - seven'
ok "features, logits and predictions are written" net-eval --quiet --data figures.h5 --split all --features pool --logits --predictions net.h5 -o made.h5
ok "... a row for each image" sh -c "tensor-export --dataset predictions --format csv made.h5 | wc -l | grep -qE '^120[01]$'"
ok "... which qsne embeds" sh -c 'qsne --quiet --dataset features --perplexity 10 --iterations 30 made.h5 | knn-eval --quiet -k 5 >scores'
ok "a layer with pixels has four axes" sh -c 'net-eval --quiet --data figures.h5 --features layer1.0.relu2 net.h5 -o pixels.h5 && qsne --quiet --iterations 10 --dataset features pixels.h5 -o map.h5'

# What cannot be written.
exits 74 "a log in a folder that there is not" net-train "${endless[@]}" --log none/log.tsv figures.h5 -o never.h5
exits 74 "a checkpoint in a folder that there is not" net-train "${endless[@]}" --checkpoint none/ckpt figures.h5 -o never.h5
exits 74 "a report in a folder that there is not" net-eval --report none/report.tsv net.h5

# What would replace a file of the user's.
cp figures.h5 kept.h5
for more in "--log kept.h5" "--checkpoint kept.h5 --restart" "--log x.h5.ckpt" "--teacher net.h5 --log net.h5"; do
  # shellcheck disable=SC2086
  exits 64 "net-train $more" net-train "${small[@]}" --epochs 1 $more kept.h5 -o x.h5
  says "would replace"
done
ok "... leaves it as it was" cmp figures.h5 kept.h5
exits 64 "a report in place of the network" net-eval --report net.h5 net.h5
ok "a log changes no byte of the network" sh -c "net-train ${small[*]} --epochs 1 figures.h5 -o quiet.h5 && net-train ${small[*]} --epochs 1 --log once.tsv figures.h5 -o logged.h5 && cmp quiet.h5 logged.h5"

logged=("${small[@]}" --epochs 3 --checkpoint-every 0 --log full.tsv figures.h5)
ln -s /dev/full full.tsv
exits 74 "a log on a full disk" net-train "${logged[@]}" -o saved.h5
ok "... keeps what was trained" net-eval --quiet saved.h5.ckpt
rm full.tsv
ok "... to go on from when there is room" net-train "${logged[@]}" -o saved.h5
ok "... to the same bytes" sh -c "net-train ${logged[*]} -o straight.h5 && cmp straight.h5 saved.h5"

# Names of classes.
pairs() { seq 60 | awk -v names="$1" 'BEGIN { split(names, name, " ") } { print $1 % 7, $1 % 5, name[1 + $1 % 2] }' OFS=,; }
tensor-import --quiet <(pairs "0 1") --label last -o numbered.h5
tensor-import --quiet <(pairs "cat dog") --label last -o named.h5
tensor-import --quiet <(pairs "dog cat") --label last -o turned.h5
tensor-import --quiet <(pairs "cat fox") --label last -o others.h5
echo '{"input": [2, 1, 1], "classes": 2, "layers": [{"name": "linear", "kind": "linear", "channels": 2, "bias": true}]}' >linear.json
net-train --quiet --arch linear.json --epochs 1 numbered.h5 -o numbered-net.h5
net-train --quiet --arch linear.json --epochs 1 named.h5 -o named-net.h5
ok "a network without names of classes takes those of the data" sh -c 'net-eval --quiet --per-class --data named.h5 numbered-net.h5 | grep -q "^dog	30"'
ok "... one with names keeps them" sh -c 'net-eval --quiet --per-class --data numbered.h5 named-net.h5 | grep -q "^dog	30"'
ok "... of a state dict too" sh -c 'net-eval --quiet --arch linear.json --per-class --data named.h5 numbered-net.h5 | grep -q "^dog	30"'
ok "the same classes by the same names fit" net-eval --quiet --data turned.h5 named-net.h5
ok "classes by other names may be the same" net-eval --quiet --data others.h5 named-net.h5

# What is wrong is named.
blobs --samples 50 --dims 7 --clusters 3 --quiet -o vectors.h5
tensor-export --dataset data vectors.h5 -o vectors.npy && tensor-import --quiet vectors.npy -o unlabelled.h5
net-train --quiet --arch resnet20 --width x0.1 --epochs 1 vectors.h5 -o vectors-net.h5
exits 65 "classes of images without labels" net-eval --per-class --predictions --data unlabelled.h5 vectors-net.h5 -o x.h5
ok "... before anything is written" test ! -e x.h5
exits 64 "a number of epochs that is none" net-train --arch resnet20 --epochs 1.5 vectors.h5 -o x.h5
says "'1.5', expected a whole number"
exits 64 "a seed below 0" net-train --arch resnet20 --seed -1 vectors.h5 -o x.h5
says "whole number from 0"
exits 64 "a number beyond all bounds" net-train --arch resnet20 --epochs 99999999999 vectors.h5 -o x.h5
says "expected 0 to"
exits 65 "images of another shape" net-eval --data vectors.h5 net.h5
exits 65 "images that the architecture is too large for" net-train --arch vgg16-bn figures.h5 -o x.h5
exits 64 "an architecture that there is not" net-train --arch resnet21 figures.h5 -o x.h5
mkdir folder.json
exits 66 "a folder for an architecture" net-train --arch folder.json figures.h5 -o x.h5
exits 64 "a recipe that there is not" net-train --arch resnet20 --recipe fast figures.h5 -o x.h5
exits 64 "neither --arch nor --from" net-train figures.h5 -o x.h5
exits 64 "a normalisation of no state dict" net-train --arch resnet20 --mean 1 figures.h5 -o x.h5
exits 64 "an option without effect" net-train --arch resnet20 --drops 3 figures.h5 -o x.h5
exits 64 "a layer that there is not" net-eval --data figures.h5 --features layer9 net.h5 -o x.h5
exits 66 "a missing teacher" net-train --arch resnet20 --teacher none.h5 figures.h5 -o x.h5
exits 65 "a sample file for a network" net-eval figures.h5
exits 65 "a network for a sample file" qsne net.h5 -o x.h5
says "holds a network, and no samples"
exits 65 "a rate at which the loss is lost" net-train "${small[@]}" --schedule constant --rate 900 --epochs 9 figures.h5 -o lost.h5
says "lower --rate"
echo '{"input": [3, 16, 16], "classes": 10, "layers": [{"name": "a", "kind": "relu", "inputs": ["b"]}, {"name": "b", "kind": "relu"}]}' >cycle.json
exits 65 "an architecture with a cycle" net-train --arch cycle.json figures.h5 -o x.h5
says 'cycle.json: layer "a" reads "b"'
tensor-import --quiet <(seq 60 | awk '{ print $1 % 7, $1 % 5, 1 }' OFS=,) --label last -o one-class.h5
exits 65 "one class" net-train --arch resnet20 --width x0.1 one-class.h5 -o x.h5
ok "fewer samples than a batch" sh -c 'figures --samples 9 --test 2 --size 8 --quiet | net-train --quiet --arch resnet20 --width x0.1 --epochs 2 -o few.h5'

if [ "${MODE:-release}" = release ]; then
  exits 71 "more images at once than memory holds" sh -c 'ulimit -v 350000; exec net-train --quiet --arch resnet20 --batch 1000 figures.h5 -o x.h5'
else
  skip "more images at once than memory holds" "sanitizers need more address space than any limit"
fi

# Published weights.
published=$ESPALIER_DATA/resnet-cifar10/resnet20.h5
if [ -e "$published" ] && [ -e "$ESPALIER_DATA/cifar-10" ]; then
  normal=(--arch resnet20 --mean .485,.456,.406 --std .229,.224,.225)
  tensor-import --quiet "$ESPALIER_DATA/cifar-10" -o cifar10.h5
  ok "the published ResNet-20 has its published accuracy" sh -c "net-eval --quiet ${normal[*]} --data cifar10.h5 '$published' | grep -qE '	0\.917[0-9]*	'"
  ok "... and as a network file" sh -c "net-train --quiet ${normal[*]} --from '$published' --epochs 0 cifar10.h5 -o published.h5 && net-eval --quiet --data cifar10.h5 published.h5 | grep -qE '	0\.917[0-9]*	'"
  exits 64 "... whose architecture is its own" net-train --arch resnet20 --from published.h5 cifar10.h5 -o x.h5
  exits 64 "... and normalisation is for each channel" net-train --arch resnet20 --from "$published" --mean 1,2 cifar10.h5 -o x.h5
  exits 65 "... and does not fit another architecture" net-eval --arch resnet32 --data cifar10.h5 "$published"
else
  skip "the published ResNet-20 has its published accuracy" "no resnet-cifar10 and cifar-10 under $ESPALIER_DATA"
fi
done_testing
