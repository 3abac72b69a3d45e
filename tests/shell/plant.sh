#!/usr/bin/env bash
# plant: old bytes stay, what each option does, limits, the table of rounds, resuming to the same bytes, refusals.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"

figures --samples 600 --test 100 --size 16 --quiet -o figures.h5
net-train --quiet --arch resnet20 --width x0.2 --epochs 2 --rate 0.05 figures.h5 -o small.h5
net-train --quiet --arch resnet20 --width x0.4 --epochs 2 --rate 0.05 figures.h5 -o teacher.h5
base=(--quiet --data figures.h5 --batch 64)
quick=("${base[@]}" --shortlist 3 --samples 64)

# column FILE NAME: its values in a table of rounds, one a line.
column() { awk -F'\t' -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { print $at[name] }' "$1"; }
rows() { [ "$(column "$1" round | wc -l)" = "$2" ]; }
parameters() { h5ls "$1/network/parameters" | awk '{ print $1 }'; }
values() { tensor-export --quiet --no-header --format csv --dataset "/network/parameters/$2" "$1"; }

# kept OLD NEW PATTERN: what there was of the parameters of these names is in NEW, number for number.
kept() {
  local name wide count=0
  for name in $(parameters "$1" | grep -E "$3"); do
    values "$1" "$name" >old.csv
    wide=$(head -n 1 old.csv | tr , '\n' | wc -l)
    values "$2" "$name" | head -n "$(wc -l <old.csv)" | cut -d , -f "1-$wide" | cmp - old.csv || return 1
    count=$((count + 1))
  done
  [ $count -gt 0 ]
}
same_network() { h5diff -q "$1" "$2" /network/parameters /network/parameters; }

# A search, and what is left of the network that it began from.
ok "a network grows" sh -c "plant ${quick[*]} --max-rounds 3 --min-gain -1000 small.h5 -o grown.h5 --log rounds.tsv --report rounds.json >printed.tsv"
ok "... in each of three rounds" rows rounds.tsv 4
ok "... the table printed is that of --log" cmp printed.tsv rounds.tsv
ok "... no old number changes, in weights, norms and statistics" kept small.h5 grown.h5 .
ok "... it has more parameters, as the table says" above "$(cell last parameters rounds.tsv)" "$(column rounds.tsv parameters | head -n 1)"
ok "... as many as net-eval counts" sh -c "net-eval --quiet --data figures.h5 grown.h5 | cut -f 5 | grep -qx $(cell last parameters rounds.tsv)"
ok "... with the loss on test rows that the table says" sh -c "net-eval --quiet --data figures.h5 grown.h5 | cut -f 2 | grep -qx $(cell last test_loss rounds.tsv)"
ok "... --report in .json holds the rounds" sh -c 'test "$(grep -c "\"validation_loss\": [0-9]" rounds.json)" = 4'
plant "${quick[@]}" --max-rounds 1 --min-gain -1000 small.h5 -o first.h5 >/dev/null
ok "channels of round 1 keep their numbers in rounds 2 and 3" kept first.h5 grown.h5 .
plant "${quick[@]}" --max-rounds 2 --min-gain -1000 --bn-stats update small.h5 -o updated.h5 >/dev/null
ok "--bn-stats update: weights and norms keep their numbers" kept small.h5 updated.h5 '(weight|bias)$'
changed() { ! kept "$@"; }
ok "... running statistics do not" changed small.h5 updated.h5 'running'
ok "the output is a network to plot, beside the first" net-plot --compare grown.h5 small.h5 -o widths.png
ok "... to prune" sh -c 'prune --quiet --data figures.h5 --samples 32 --epochs 0 --one-shot --target-channels 0.8 grown.h5 -o pruned.h5'
ok "... to plant again" sh -c "plant ${quick[*]} --max-rounds 1 grown.h5 -o more.h5"
ok "... to take the architecture of, and begin anew" sh -c 'net-train --quiet --arch grown.h5 --epochs 1 --no-history figures.h5 -o anew.h5 && net-eval --quiet anew.h5 | cut -f 1,2 >anew.tsv && net-eval --quiet grown.h5 | cut -f 1,2 | cmp - anew.tsv'
ok "... to make maps of" sh -c 'net-eval --quiet --features pool --data figures.h5 grown.h5 | qsne --quiet --iterations 20 --dataset features | knn-eval --quiet'
ok "the table is a curve" net-plot --log rounds.tsv -x parameters -y validation_accuracy,test_accuracy -o curve.png
ok "a stream is read, a stream is written" sh -c "plant ${quick[*]} --max-rounds 1 --no-history <small.h5 >stream.h5 && plant ${quick[*]} --max-rounds 1 --no-history small.h5 -o file.h5 && cmp stream.h5 file.h5"

# Bytes.
for threads in 1 2 4; do
  plant "${quick[@]}" --max-rounds 2 --init gradmax --draws 2 --teacher teacher.h5 -j $threads small.h5 -o threads$threads.h5 >/dev/null
done
ok "1, 2 and 4 threads give the same bytes" sh -c 'cmp threads1.h5 threads2.h5 && cmp threads1.h5 threads4.h5'

# What each option does.
plant "${quick[@]}" --no-history --min-gain -1000 --max-rounds 1 small.h5 -o plain.h5 >/dev/null
for more in "--gain per-parameter" "--gain per-mac" "--gain accuracy" "--channels 3" "--channels 0.5" "--init random" "--init gradmax" \
  "--scope all" "--exclude linear" "--epochs 2" "--finish 1" "--teacher teacher.h5" \
  "--train-samples 200" "--validation 0.3" "--recipe mitsuno" "--optimizer adamw --rate 0.001" "--seed 3" "--bn-stats update" "--mixup 0.2"; do
  # shellcheck disable=SC2086
  ok "plant $more" plant "${quick[@]}" --no-history --min-gain -1000 --max-rounds 1 $more --log more.tsv small.h5 -o more.h5
  ok "... keeps a trial" rows more.tsv "$(case $more in *finish*) echo 3 ;; *) echo 2 ;; esac)"
done
for more in "--channels 3" "--init random" "--epochs 2" "--finish 1" "--teacher teacher.h5" "--train-samples 200" "--seed 3" "--bn-stats update"; do
  # shellcheck disable=SC2086
  plant "${quick[@]}" --no-history --min-gain -1000 --max-rounds 1 $more small.h5 -o more.h5 >/dev/null
  ok "plant $more makes another network" sh -c '! h5diff -q more.h5 plain.h5'
done
plant "${quick[@]}" --channels 3 --max-rounds 1 --min-gain -1000 --log more.tsv small.h5 -o more.h5 >/dev/null
ok "--channels 3 plants three" test "$(cell last channels more.tsv)" = 3
others=layer1.0.conv1,layer1.1.conv1,layer1.2.conv1,layer2.0.conv1,layer2.1.conv1,layer2.2.conv1,layer3.0.conv1,layer3.2.conv1
plant "${base[@]}" --channels 0.5 --exclude $others --max-rounds 1 --min-gain -1000 --log more.tsv small.h5 -o more.h5 >/dev/null
ok "--exclude leaves the layer that is not named" test "$(cell last layer more.tsv)" = layer3.1.conv1
ok "... --channels 0.5 plants half of its channels" test "$(cell last channels more.tsv)" = "$((($(values small.h5 layer3.1.bn1.weight | wc -l) + 1) / 2))"
exits 64 "--scope inner has no other layer" plant "${base[@]}" --exclude $others,layer3.1.conv1 small.h5 -o more.h5
ok "--scope all has trunks" plant "${base[@]}" --scope all --exclude $others,layer3.1.conv1 --max-rounds 1 --min-gain -1000 --log more.tsv small.h5 -o trunk.h5
ok "... in which old numbers are kept, too" kept small.h5 trunk.h5 .
ok "--samples and --draws of gradmax" plant "${base[@]}" --shortlist 2 --init gradmax --draws 3 --samples 500 --max-rounds 1 small.h5 -o more.h5
plant "${quick[@]}" --max-rounds 1 --finish 2 --min-gain -1000 --log finish.tsv small.h5 -o finished.h5 >/dev/null
ok "--finish trains old weights, too" changed small.h5 finished.h5 conv1.weight
ok "... and has a row of its own" test "$(cell last layer finish.tsv)" = all
plant --data figures.h5 --max-rounds 0 --recipe he --finish 4 small.h5 -o finished.h5 2>finish.err >/dev/null
ok "... along the whole course of its recipe" sh -c 'grep -q "epoch 2/4: rate 0.1," finish.err && grep -q "epoch 3/4: rate 0.01," finish.err && grep -q "epoch 4/4: rate 0.001," finish.err'
ok "--json prints JSON" sh -c "plant ${quick[*]} --max-rounds 1 --json small.h5 -o more.h5 | head -n 1 | grep -qx '\\['"
ok "--report in .tsv is the table" sh -c "plant ${quick[*]} --max-rounds 1 --report report.tsv small.h5 -o more.h5 >printed.tsv && cmp printed.tsv report.tsv"

# Where a search ends.
start=$(column rounds.tsv parameters | head -n 1)
ok "a limit on parameters" plant --data figures.h5 --batch 64 --max-params $((start + 300)) --min-gain -1000 small.h5 -o limited.h5 --log limited.tsv --shortlist 2
says "no layer can grow within the limits"
ok "... is kept" above $((start + 301)) "$(cell last parameters limited.tsv)"
ok "... and used" above "$(cell last parameters limited.tsv)" "$start"
macs=$(column rounds.tsv macs | head -n 1)
ok "a limit on multiplications" plant "${quick[@]}" --max-macs $((macs + 40000)) --min-gain -1000 small.h5 -o limited.h5 --log limited.tsv
ok "... is kept" above $((macs + 40001)) "$(cell last macs limited.tsv)"
ok "... and used" above "$(cell last macs limited.tsv)" "$macs"
ok "a limit that is passed already leaves the network as it is" plant --data figures.h5 --max-params 10 small.h5 -o limited.h5 --log limited.tsv
says "no layer can grow within the limits"
ok "... to the number" same_network small.h5 limited.h5
ok "... and the table has one row" rows limited.tsv 1
ok "gains below the least wanted" plant --data figures.h5 --batch 64 --shortlist 2 --min-gain 1000 --patience 2 small.h5 -o same.h5
says "no gain above 1000 in 2 rounds"
ok "... leave the network as it is" same_network small.h5 same.h5
exits 1 "a target accuracy out of reach" plant "${quick[@]}" --target-accuracy 1 --max-rounds 2 --min-gain -1000 small.h5 -o missed.h5 --log missed.tsv
ok "... has its network all the same" sh -c 'net-eval --quiet --data figures.h5 missed.h5'
ok "a target accuracy that is reached" plant --data figures.h5 --target-accuracy 0.01 small.h5 -o there.h5
says "the target accuracy is reached"
ok "no rounds" plant "${quick[@]}" --max-rounds 0 small.h5 -o same.h5
ok "... leave the network as it is" same_network small.h5 same.h5
ok "a loss that is lost ends its trial" plant --data figures.h5 --batch 64 --shortlist 2 --rate 1000 --schedule constant --weight-decay 1 --epochs 3 --patience 1 small.h5 -o lost.h5
says "which is out: "
ok "... not the search, whose network is whole" same_network small.h5 lost.h5

# What a stop leaves; tests/shell/interruption.sh has the bytes.
long=("${quick[@]}" --no-history --epochs 2 --max-rounds 4 --min-gain -1000 --teacher teacher.h5 --finish 6)
plant "${long[@]}" small.h5 -o whole.h5 --log whole.tsv >whole.out
interrupt() {
  plant "${quick[@]}" --epochs 4 --min-gain -1000 small.h5 -o cut.h5 >/dev/null &
  sleep 1
  kill -TERM $!
  wait $!
  [ $? = 75 ] && [ -e cut.h5.ckpt ]
}
ok "a stop in the search leaves a checkpoint" interrupt
ok "... which is a network file" net-eval --quiet --data figures.h5 cut.h5.ckpt
exits 65 "... of one command alone" plant "${quick[@]}" --epochs 3 small.h5 -o cut.h5
says "cut.h5.ckpt"
exits 65 "... of one network alone" plant "${quick[@]}" --epochs 4 --min-gain -1000 teacher.h5 -o cut.h5
ok "... that --restart ignores" plant "${quick[@]}" --max-rounds 1 --restart small.h5 -o cut.h5
# The folder of the output goes while the search is under way, and is back when the command is run again.
without_folder() {
  mkdir away
  plant "${long[@]}" --checkpoint away.ckpt --log away.tsv small.h5 -o away/grown.h5 >away.out &
  while [ ! -e away.ckpt ] && kill -0 $!; do sleep 0.05; done
  rmdir away
  wait $!
  [ $? = 74 ] && mkdir away && plant "${long[@]}" --checkpoint away.ckpt --log away.tsv small.h5 -o away/grown.h5 >away.out &&
    cmp away/grown.h5 whole.h5 && cmp away.tsv whole.tsv && cmp away.out whole.out
}
ok "an output that cannot be written is written by the next try" without_folder

# What is wrong is named.
exits 64 "no images" plant small.h5 -o x.h5
says "--data"
exits 66 "images that are not there" plant --data nothing.h5 small.h5 -o x.h5
exits 66 "a teacher that is not there" plant "${quick[@]}" --teacher nothing.h5 small.h5 -o x.h5
figures --samples 60 --test 10 --size 8 --quiet -o tiny.h5
net-train --quiet --arch resnet20 --width x0.1 --epochs 1 tiny.h5 -o tiny-net.h5
exits 65 "images of another size" plant "${quick[@]}" tiny-net.h5 -o x.h5
exits 65 "a teacher for images of another size" plant "${quick[@]}" --teacher tiny-net.h5 small.h5 -o x.h5
exits 65 "samples instead of a network" plant "${quick[@]}" figures.h5 -o x.h5
says "network"
exits 64 "an excluded layer that there is not" plant "${quick[@]}" --exclude conv9 small.h5 -o x.h5
says "conv9"
exits 64 "a share of more than one channel" plant "${quick[@]}" --channels 2.5 small.h5 -o x.h5
exits 64 "no rows to judge by" plant "${quick[@]}" --validation 0 small.h5 -o x.h5
exits 64 "more rows than there are" plant "${quick[@]}" --train-samples 100000 small.h5 -o x.h5
says "100000, .* 500 training rows"
exits 74 "a report in a folder that there is not, before anything is read" plant --quiet --data none.h5 --report no/such/r.tsv small.h5 -o x.h5
exits 64 "a report of another kind" plant "${quick[@]}" --report x.csv small.h5 -o x.h5
exits 64 "--draws without gradmax" plant "${quick[@]}" --draws 3 small.h5 -o x.h5
exits 64 "--samples without a use" plant --quiet --data figures.h5 --samples 3 small.h5 -o x.h5
exits 64 "--distillation without a teacher" plant "${quick[@]}" --distillation 0.5 small.h5 -o x.h5
ok "very few rows" plant --quiet --data figures.h5 --train-samples 20 --max-rounds 1 small.h5 -o x.h5
done_testing
