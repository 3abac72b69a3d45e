#!/usr/bin/env bash
# prune: criteria, scopes, targets, resuming to the same bytes, reports, what other tools make of its output, refusals.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"

figures --samples 3000 --test 300 --size 16 --quiet -o many.h5
figures --samples 600 --test 100 --size 16 --quiet -o figures.h5
net-train --quiet --arch resnet20 --width x0.25 --batch 32 --epochs 12 --rate 0.1 many.h5 -o whole.h5
quick=(--quiet --data figures.h5 --samples 48 --batch 32)
shot=("${quick[@]}" --epochs 0 --one-shot)
noisy=("${quick[@]:1}")

rounds() { awk '/^$/ { exit } END { print NR - 3 }' "$1"; }
at_most() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a != "" && a <= b) }'; }
# same DATASET A B: two files hold the same numbers.
same() { cmp <(tensor-export --dataset "$1" --format npy "$2") <(tensor-export --dataset "$1" --format npy "$3"); }
other() { ! same "$@" >/dev/null 2>&1; }

# Bytes.
for threads in 1 2 4; do
  prune "${quick[@]}" --epochs 1 --max-rounds 2 --target-params 0.8 --compensate least-squares -j $threads whole.h5 -o threads$threads.h5 >threads.tsv
done
ok "1, 2 and 4 threads give the same bytes" sh -c 'cmp threads1.h5 threads2.h5 && cmp threads1.h5 threads4.h5'
ok "a stream is pruned like a file" sh -c "prune --no-history ${shot[*]} --target-params 0.8 <whole.h5 >stream.h5 && prune --no-history ${shot[*]} --target-params 0.8 whole.h5 -o file.h5 && cmp stream.h5 file.h5"
ok "... and says on standard error what went" sh -c "prune ${noisy[*]} --epochs 0 --one-shot --target-params 0.8 whole.h5 2>&1 >stream.h5 | grep -q '^layer1.0.conv1	4	'"

# Criteria.
for criterion in loss l1 l2 regularizer fpgm bn-scale taylor random; do
  for scope in inner all; do
    ok "$criterion, $scope: to the target" prune "${shot[@]}" --criterion $criterion --scope $scope --target-params 0.7 --report c.tsv whole.h5 -o c.h5
    ok "... and no further than a channel" at_most "$(cell last parameters_left c.tsv)" 0.7
    ok "... or two" above "$(cell last parameters_left c.tsv)" 0.6
    ok "... which the file agrees with" sh -c "net-eval --quiet --json c.h5 | grep -q '\"parameters\": $(cell last parameters c.tsv)'"
  done
done
ok "the report's accuracy is net-eval's" test "$(cell last test_accuracy c.tsv)" = "$(net-eval --quiet --data figures.h5 c.h5 | awk 'NR == 2 { printf "%.4f", $3 }')"
many_samples=("${shot[@]/#48/512}" --target-params 0.7)
prune "${many_samples[@]}" --report loss.tsv whole.h5 -o loss.h5 >/dev/null
for seed in 1 2 3; do
  prune "${many_samples[@]}" --criterion random --seed $seed --report random$seed.tsv whole.h5 -o random.h5 >/dev/null
  cell last sample_loss random$seed.tsv
done | awk '{ sum += $1 } END { print sum / NR }' >random.mean
ok "loss costs less than random, in the mean" above "$(<random.mean)" "$(cell last sample_loss loss.tsv)"
stem=/network/parameters/conv1.weight
ok "the scope inner leaves trunks as they are" same $stem loss.h5 whole.h5
ok "the scope all takes channels out of trunks" prune "${shot[@]}" --criterion random --scope all --target-channels 0.5 whole.h5 -o c.h5
ok "... the stem's too" other $stem c.h5 whole.h5

# Targets.
ok "multiplications" prune "${shot[@]}" --target-macs 0.6 --report t.tsv whole.h5 -o t.h5
ok "... are at most as many" at_most "$(cell last macs_left t.tsv)" 0.6
ok "channels" prune "${shot[@]}" --target-channels 0.5 --report t.tsv whole.h5 -o t.h5
ok "... are exactly as many" test "$(cell last channels t.tsv)" = 42
ok "time is looked at after each round" prune "${quick[@]}" --epochs 0 --target-time 0.9 --report t.tsv whole.h5 -o t.h5
ok "... and at most as much" at_most "$(cell last time_left t.tsv)" 0.9
ok "the first of two targets ends it" prune "${shot[@]}" --target-macs 0.9 --target-params 0.2 --report t.tsv whole.h5 -o t.h5
ok "... early" above "$(cell last parameters_left t.tsv)" 0.6
ok "all of the parameters may stay" prune "${quick[@]}" --epochs 1 --target-params 1 --report t.tsv whole.h5 -o t.h5
ok "... and all do" test "$(rounds t.tsv) $(cell last parameters_left t.tsv)" = "0 1.0000"
ok "without a target the loss on the samples is the limit" prune "${shot[@]}" --report t.tsv whole.h5 -o t.h5
ok "... which is kept" at_most "$(cell last sample_loss t.tsv)" "$(awk -v a="$(cell 2 sample_loss t.tsv)" 'BEGIN { print a + 0.0501 }')"
ok "... and used" above 1 "$(cell last parameters_left t.tsv)"
exits 1 "a step is kept" prune "${quick[@]}" --epochs 0 --step 0.05 --max-rounds 2 --target-params 0.5 --report t.tsv whole.h5 -o t.h5
ok "... by each round" test "$(cell 3 removed t.tsv) $(cell 4 removed t.tsv) $(rounds t.tsv)" = "4 4 2"
exits 1 "a target out of reach" prune "${noisy[@]}" --epochs 0 --one-shot --target-params 0.01 whole.h5 -o far.h5
says "the target was not reached: [0-9.]+ % of the parameters, [0-9.]+ % of the MACs are left"
ok "... has an output all the same" net-eval --quiet --data figures.h5 far.h5
exits 1 "a target beyond the loss's limit" prune "${shot[@]}" --max-loss-increase 0.01 --target-params 0.2 whole.h5 -o far.h5
exits 1 "a target beyond the rounds" prune "${quick[@]}" --epochs 0 --max-rounds 1 --target-params 0.2 whole.h5 -o far.h5

# What stays.
prune "${shot[@]}" --target-params 0.1 --min-channels 3 --round-to 4 whole.h5 --report t.tsv -o t.h5 >t.out
ok "widths that change are multiples, at least so many" sh -c "awk -F'\t' '\$2 != \$3 && NF == 9 && NR > 3 && \$1 != \"layer\" { if (\$3 % 4 || \$3 < 3) exit 1; n++ } END { exit !n }' t.out"
ok "a step smaller than a multiple moves all the same" prune "${quick[@]}" --epochs 0 --step 0.01 --round-to 8 --target-params 0.9 whole.h5 -o t.h5
prune "${shot[@]}" --target-params 0.7 --exclude layer3.0.conv1,layer3.1.conv1 whole.h5 -o t.h5 >t.out
ok "excluded layers keep their channels" sh -c "grep -qP '^layer3.0.conv1\t16\t16\t' t.out && grep -qP '^layer3.1.conv1\t16\t16\t' t.out && ! grep -qP '^layer3.2.conv1\t16\t16\t' t.out"

# Compensation, tuning.
for kind in none mean least-squares; do
  ok "--compensate $kind" prune "${shot[@]}" --target-params 0.6 --compensate $kind --report $kind.tsv whole.h5 -o $kind.h5
done
ok "least squares spare loss" above "$(cell last sample_loss none.tsv)" "$(cell last sample_loss least-squares.tsv)"
ok "tuning brings the loss down" prune "${quick[@]}" --one-shot --target-params 0.6 --epochs 2 --report t.tsv whole.h5 -o round.h5
ok "... on test rows, too" above "$(cell last test_loss none.tsv)" "$(cell last test_loss t.tsv)"
ok "the network as it came teaches" prune "${quick[@]}" --one-shot --target-params 0.6 --epochs 2 --distill --temperature 2 --distillation 0.5 whole.h5 -o distilled.h5
ok "... as a teacher that is the same" prune "${quick[@]}" --one-shot --target-params 0.6 --epochs 2 --teacher whole.h5 --temperature 2 --distillation 0.5 whole.h5 -o taught.h5
head=/network/parameters/linear.weight
ok "... to the same parameters" same $head distilled.h5 taught.h5
ok "... which are others than without" other $head distilled.h5 round.h5
ok "--finish tunes at the end" prune "${quick[@]}" --one-shot --target-params 0.6 --epochs 0 --finish 2 --log t.log --report t.tsv whole.h5 -o finished.h5
ok "... so many epochs" test "$(wc -l <t.log)" = 3
ok "... to what as many in the round give" same $head finished.h5 round.h5
ok "--finish and a step schedule" prune "${quick[@]}" --one-shot --target-params 0.6 --epochs 0 --finish 4 --recipe mitsuno --log t.log whole.h5 -o t.h5
ok "... whose drops keep their place" test "$(cut -f2 t.log | sort -u | wc -l)" = 4
for more in "--validation 0.2" "--recipe digits" "--optimizer adamw --rate 0.001" "--mixup 0.2 --label-smoothing 0.1 --cutout 4"; do
  # shellcheck disable=SC2086
  ok "prune $more" prune "${quick[@]}" --epochs 1 --finish 1 --max-rounds 2 --step 0.2 --max-loss-increase 9 $more whole.h5 -o more.h5
done

# What a stop leaves; tests/shell/interruption.sh has the bytes.
# stopped_after PATTERN ARGS...: a SIGTERM once standard error has such a line.
stopped_after() {
  local pattern=$1
  shift
  rm -f halted.h5 halted.h5.ckpt halted.err
  prune "$@" whole.h5 -o halted.h5 >/dev/null 2>halted.err &
  until grep -q "$pattern" halted.err; do kill -0 $! || return 1; sleep 0.02; done
  kill -TERM $!
  wait $!
  [ $? = 75 ] && [ -e halted.h5.ckpt ]
}
endless=("${noisy[@]}" --max-rounds 2 --max-loss-increase 9)
ok "a stop while a round is tuned leaves a checkpoint" stopped_after "epoch 1" "${endless[@]}" --epochs 10000
exits 65 "... that another command refuses" prune "${endless[@]}" --epochs 9999 whole.h5 -o halted.h5
says "is the checkpoint of"
ok "... that is a network" net-train --quiet --from halted.h5.ckpt --epochs 1 figures.h5 -o t.h5
ok "... and that --restart ignores" prune "${endless[@]}" --epochs 0 --restart whole.h5 -o halted.h5
ok "a stop while it finishes leaves one, too" stopped_after "epoch 1" "${endless[@]}" --epochs 0 --finish 10000
ok "... before there is one, it says so" sh -c "{ prune ${shot[*]} --target-params 0.8 whole.h5 -o early.h5 >/dev/null & } ; kill -TERM \$!; wait \$!; s=\$?; [ \$s = 75 ] || [ \$s = 143 ]"
ok "... on scoring, too" stopped_after "as it came" --data many.h5 --samples 2000 --scope all --max-rounds 2 --epochs 0
ok "what goes on says what was done, and nothing of a round half done" sh -c "
  { timeout -s TERM 60 prune ${noisy[*]} --max-rounds 1 --max-loss-increase 9 --epochs 100000 whole.h5 -o half.h5 2>half.err & }
  until grep -q 'epoch 2/' half.err; do sleep 0.05; done; kill -TERM \$!; wait \$!
  { prune ${noisy[*]} --max-rounds 1 --max-loss-increase 9 --epochs 100000 whole.h5 -o half.h5 2>on.err & }
  until grep -q 'epoch [0-9]*/' on.err; do sleep 0.05; done; kill -TERM \$!; wait \$!
  grep -q 'going on from half.h5.ckpt, round 1' on.err && ! grep -q ' 0 parameters' on.err"
ok "without -o and --checkpoint a signal kills" sh -c "prune ${noisy[*]} --epochs 100000 whole.h5 >killed.h5 2>killed.err & until grep -q 'epoch 1/' killed.err; do sleep 0.05; done; kill -TERM \$!; wait \$!; [ \$? = 143 ]"
tuned=("${quick[@]}" --one-shot --target-params 0.6 --epochs 1 --finish 2)
prune "${tuned[@]}" whole.h5 -o uncut.h5 >/dev/null
exits 74 "a full disk at the end" prune "${tuned[@]}" --checkpoint full.ckpt whole.h5 -o /dev/full
ok "... loses nothing: the same command goes on" prune "${tuned[@]}" --checkpoint full.ckpt whole.h5 -o stopped.h5
ok "... to the same bytes" sh -c 'cmp uncut.h5 stopped.h5 && [ ! -e full.ckpt ]'

# Looking first.
mkdir dry
ok "-n says what would go" sh -c "cd dry && prune ${noisy[*]/figures.h5/..\/figures.h5} -n --target-params 0.8 ../whole.h5 -o none.h5 >n.tsv"
ok "... one round of it" test "$(rounds dry/n.tsv)" = 1
ok "... and writes nothing" test "$(ls dry)" = n.tsv
if command -v script >/dev/null; then
  ok "... which a terminal may show" script -qec "$(command -v prune) ${quick[*]} --epochs 0 -n whole.h5" /dev/null
  ok "... and --sensitivity" script -qec "$(command -v prune) ${quick[*]} --criterion l1 --sensitivity whole.h5" /dev/null
  exits 64 "... but not a network" script -qec "$(command -v prune) ${quick[*]} --epochs 0 whole.h5" /dev/null
  ok "a table on a terminal beside -o" script -qec "$(command -v prune) ${quick[*]} --epochs 0 --max-rounds 1 whole.h5 -o t.h5 --log t.log" /dev/null
else
  skip "... which a terminal may show" "no script(1)"
fi
ok "--sensitivity has a row for each layer in scope" sh -c "prune ${quick[*]} --sensitivity whole.h5 >s.tsv && wc -l <s.tsv | grep -qx 10"
ok "... eleven losses and the width" sh -c "awk -F'\t' 'NF != 12 { exit 1 }' s.tsv"
ok "... which begin with that of the whole" sh -c "cut -f3 s.tsv | sed 1d | sort -u | wc -l | grep -qx 1"
ok "... three trunks more in all" sh -c "prune ${quick[*]} --sensitivity --criterion l1 --scope all whole.h5 | wc -l | grep -qx 13"

# Reports.
valid_json() {
  if command -v python3 >/dev/null; then python3 -m json.tool "$1" >/dev/null; else [ "$(grep -c '^[{}]$' "$1")" = 2 ]; fi
}
ok "a report as JSON" prune "${shot[@]}" --target-params 0.8 --report r.json whole.h5 -o r.h5
ok "... is valid" valid_json r.json
ok "... and has rounds and layers" sh -c "grep -q '\"rounds\": \[' r.json && grep -q '\"layer\": \"layer3.2.conv1\"' r.json && grep -q '\"time_left\"' r.json"
ok "--json prints it" sh -c "prune ${shot[*]} --target-params 0.8 --json whole.h5 -o r.h5 >printed.json"
ok "... valid, too" valid_json printed.json
ok "without test rows there is no accuracy" sh -c "figures --samples 200 --test 0 --size 16 --quiet -o rows.h5 && prune ${shot[*]/figures.h5/rows.h5} --target-params 0.8 --report r.tsv --json whole.h5 -o r.h5 >printed.json"
ok "... a dash in the table" test "$(cell last test_accuracy r.tsv)" = -
ok "... null in JSON" grep -q '"test_accuracy": null' printed.json
ok "finishing what lost nothing has a row of its own" prune "${quick[@]}" --target-params 1 --finish 1 --report r.tsv whole.h5 -o r.h5
ok "... after that of the network as it came" test "$(cut -f1,2 r.tsv | sed -n 2,3p | tr '\t\n' '  ')" = "0 0 1 0 "

# What others make of it.
prune "${shot[@]}" --target-params 0.6 whole.h5 -o small.h5 >/dev/null
ok "net-eval scores it" net-eval --quiet --data figures.h5 small.h5
ok "net-train goes on" net-train --quiet --from small.h5 --epochs 1 figures.h5 -o on.h5
ok "... and teaches with it" net-train --quiet --arch resnet20 --width x0.1 --teacher small.h5 --epochs 1 figures.h5 -o on.h5
ok "sparsify takes it" sparsify --quiet --from small.h5 --epochs 1 figures.h5 -o on.h5
ok "prune takes it again" prune "${shot[@]}" --scope all --target-params 0.7 small.h5 -o smaller.h5
ok "... and again" prune "${shot[@]}" --scope all --target-params 0.5 --compensate least-squares smaller.h5 -o smallest.h5
ok "net-plot compares" net-plot --quiet whole.h5 --compare smallest.h5 -o widths.png
ok "its features are embedded" sh -c "net-eval --quiet --features pool --data figures.h5 smallest.h5 | qsne --quiet --dataset features --perplexity 5 --iterations 20 -o map.h5"
ok "a pipe" sh -c "sparsify --quiet --from whole.h5 --epochs 1 -l 1e-3 figures.h5 2>/dev/null | prune ${quick[*]} --epochs 0 --max-rounds 1 2>/dev/null | net-eval --quiet --data figures.h5 >piped.tsv"
ok "one channel stays in each layer, and it runs" sh -c "prune ${shot[*]} --scope all --target-params 0 whole.h5 -o least.h5 >least.tsv; [ \$? = 1 ] && awk -F'\t' '\$1 ~ /conv/ && \$3 != 1 { exit 1 }' least.tsv && net-eval --quiet --data figures.h5 least.h5"
for name in resnet20-b resnet18 vgg11-mini alexnet-mini cnn-mini; do
  figures --samples 40 --test 8 --size 32 --quiet -o large.h5
  net-train --quiet --arch $name --width x0.2 --epochs 1 --batch 16 --rate 0.01 large.h5 -o stock.h5
  ok "$name, all" prune --quiet --data large.h5 --samples 8 --scope all --epochs 1 --batch 16 --rate 0.01 --max-rounds 1 --max-loss-increase 99 --compensate least-squares stock.h5 -o t.h5
done
exits 64 "no batch norm to look at" prune --quiet --data large.h5 --samples 8 --criterion bn-scale stock.h5 -o t.h5
says "has no batch norm"
ok "... and nothing is left that another command would stumble over" test ! -e t.h5.ckpt

# By name in PyTorch: a module of the pruned widths takes the parameters, and agrees.
python=${PYTHON:-python3}
if "$python" -c 'import torch, h5py' 2>/dev/null; then
  net-train --quiet --arch resnet20-b --width x0.25 --epochs 1 figures.h5 -o b.h5
  prune "${shot[@]}" --target-params 0.6 --compensate least-squares b.h5 -o b-small.h5 >/dev/null
  net-eval --quiet --data figures.h5 --split all --logits b-small.h5 -o b-logits.h5
  cat >resnet.py <<'PYTHON'
import json, h5py, torch
from torch import nn

network = h5py.File("b-small.h5")["network"]
width = {layer["name"]: layer.get("channels") for layer in json.loads(network.attrs["architecture"])["layers"]}

class Block(nn.Module):
    def __init__(self, name, inputs, outputs, stride):
        super().__init__()
        inner = width[name + ".conv1"]
        self.conv1 = nn.Conv2d(inputs, inner, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride > 1:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + self.shortcut(x))

class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        inputs = width["conv1"]
        self.conv1 = nn.Conv2d(3, inputs, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inputs)
        for stage in (1, 2, 3):
            blocks = []
            for block in range(3):
                name = f"layer{stage}.{block}"
                outputs = width[name + ".conv2"]
                blocks.append(Block(name, inputs, outputs, 2 if stage > 1 and block == 0 else 1))
                inputs = outputs
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
        self.linear = nn.Linear(inputs, 10)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        return self.linear(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))

net = ResNet().eval()
state = {name: torch.tensor(values[...]) for name, values in network["parameters"].items()}
missing, unexpected = net.load_state_dict(state, strict=False)
assert not unexpected and all(name.endswith("num_batches_tracked") for name in missing), (missing, unexpected)
column = lambda name: torch.tensor(network.attrs[name]).float().reshape(1, 3, 1, 1)
pixels = torch.tensor(h5py.File("figures.h5")["data"][...]).float() / 255
with torch.no_grad():
    logits = net((pixels - column("mean")) / column("std"))
expected = torch.tensor(h5py.File("b-logits.h5")["logits"][...])
worst = (logits - expected).abs().max().item()
print(worst)
assert expected.std() > 0.1 and worst < 1e-4
PYTHON
  ok "a pruned network with projections loads in PyTorch by name, to the same logits" "$python" resnet.py
else
  skip "a pruned network with projections loads in PyTorch by name, to the same logits" "no PyTorch with h5py for $python"
fi

# Data of few kinds.
ok "more samples than there are" prune "${shot[@]/48/100000}" --criterion l1 --target-params 0.8 whole.h5 -o t.h5
ok "one sample" prune "${shot[@]/48/1}" --target-params 0.8 --compensate least-squares whole.h5 -o t.h5
ok "one row, every criterion" sh -c "figures --samples 1 --test 0 --size 16 --quiet -o one.h5; for c in loss taylor fpgm; do prune ${shot[*]/figures.h5/one.h5} --criterion \$c --target-params 0.8 whole.h5 -o t.h5 || exit 1; done"

# What is wrong is named.
exits 64 "no data" prune whole.h5 -o x.h5
says "--data"
exits 64 "network and data in one stream" sh -c "cat whole.h5 | prune --data - -o x.h5"
ok "... but either comes as one" sh -c "prune ${shot[*]/figures.h5/-} --target-params 0.8 whole.h5 -o t.h5 <figures.h5"
exits 66 "data that there are not" prune --data absent.h5 whole.h5 -o x.h5
exits 65 "data of another shape" prune --data large.h5 whole.h5 -o x.h5
exits 65 "a sample file for a network" prune "${quick[@]}" figures.h5 -o x.h5
exits 65 "a network for a sample file" prune --data whole.h5 whole.h5 -o x.h5
tensor-import --quiet <(seq 60 | awk '{ print $1 % 7, $1 % 5, $1 % 2 }' OFS=,) --label last -o vectors.h5
exits 65 "vectors for images" prune --data vectors.h5 whole.h5 -o x.h5
exits 64 "a layer that there is not" prune "${quick[@]}" --exclude conv9 whole.h5 -o x.h5
says "conv9"
exits 64 "a layer without channels of its own" prune "${quick[@]}" --exclude bn1 whole.h5 -o x.h5
exits 64 "everything excluded" prune "${quick[@]}" --exclude "$(echo layer{1,2,3}.{0,1,2}.conv1 | tr ' ' ,)" whole.h5 -o x.h5
says "no layer is left"
exits 64 "a report of another kind" prune "${quick[@]}" --report x.csv whole.h5 -o x.h5
exits 64 "a criterion that there is not" prune "${quick[@]}" --criterion l3 whole.h5 -o x.h5
exits 64 "a share above 1" prune "${quick[@]}" --target-params 40 whole.h5 -o x.h5
exits 64 "two teachers" prune "${quick[@]}" --distill --teacher whole.h5 whole.h5 -o x.h5
exits 64 "a temperature without a teacher" prune "${quick[@]}" --temperature 2 whole.h5 -o x.h5
exits 64 "a step in one shot" prune "${quick[@]}" --one-shot --step 0.2 whole.h5 -o x.h5
exits 64 "a target of time in one shot" prune "${quick[@]}" --one-shot --target-time 0.5 whole.h5 -o x.h5
exits 64 "an output of --sensitivity" prune "${quick[@]}" --sensitivity whole.h5 -o x.h5
exits 64 "a report of -n" prune "${quick[@]}" -n --report x.tsv whole.h5
exits 74 "a report in a folder that is not there" prune "${shot[@]}" --target-params 0.9 --report no/such/r.tsv whole.h5 -o x.h5
exits 74 "a log in a folder that is not there" prune "${quick[@]}" --log no/such/l.tsv whole.h5 -o x.h5
exits 66 "a teacher that there is not" prune "${quick[@]}" --teacher absent.h5 whole.h5 -o x.h5
exits 65 "a checkpoint that is none" sh -c "echo words >x.h5.ckpt; prune ${quick[*]} whole.h5 -o x.h5"
rm -f x.h5.ckpt
ok "what was refused left nothing" test "$(echo x.*)" = 'x.*'
done_testing
