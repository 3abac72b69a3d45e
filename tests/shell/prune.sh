#!/usr/bin/env bash
# prune: smaller networks, to the same bytes for any threads and after any stop; criteria, targets, reports, refusals.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"

figures --samples 1000 --test 100 --size 16 --quiet -o figures.h5
net-train --quiet --arch resnet20 --width x0.25 --batch 64 --epochs 3 --rate 0.1 figures.h5 -o whole.h5
quick=(--quiet --data figures.h5 --samples 32 --batch 64 --epochs 0)
tuned=(--quiet --data figures.h5 --samples 32 --batch 64 --epochs 1)

# column FILE NAME [ROW]: of the first table in a report, its last row unless one is named.
column() {
  awk -F'\t' -v name="$2" -v row="${3:-0}" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } /^$/ { exit }
    NR - 1 == row || row == 0 { last = $at[name] } END { print last }' "$1"
}
at_most() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a <= b) }'; }
parameters() { net-eval "$1" | awk 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } NR == 2 { print $at["parameters"] }'; }

# What comes out.
ok "a network is pruned" sh -c "prune ${tuned[*]} --target-params 0.7 whole.h5 -o small.h5 --report small.tsv >small.out"
ok "... to seven tenths of its parameters" at_most "$(parameters small.h5)" "$(($(parameters whole.h5) * 7 / 10))"
ok "... no further than the last channel needs" at_most 0.6 "$(column small.tsv parameters_left)"
ok "... the report has the parameters of the file" test "$(column small.tsv parameters)" = "$(parameters small.h5)"
ok "... and its accuracy" test "$(column small.tsv test_accuracy)" = "$(net-eval --quiet --data figures.h5 small.h5 | awk 'NR == 2 { printf "%.4f", $3 }')"
ok "... which is printed" sh -c 'head -1 small.out | grep -q "^round" && grep -q "^layer3.2.conv1" small.out'
ok "net-train goes on with it" net-train --quiet --from small.h5 --epochs 1 figures.h5 -o on.h5
ok "sparsify does" sh -c 'sparsify --quiet --from small.h5 --epochs 1 figures.h5 -o on.h5'
ok "prune does" sh -c "prune ${quick[*]} --max-rounds 1 small.h5 -o smaller.h5"
ok "its features are embedded" sh -c 'net-eval --quiet --data figures.h5 --features pool small.h5 2>/dev/null | qsne --quiet --dataset features --iterations 10 -o map.h5'
ok "its widths are drawn" net-plot whole.h5 --compare small.h5 -o widths.png
ok "a pipe from training to score" sh -c "sparsify --quiet --from whole.h5 --epochs 1 -l 1e-3 figures.h5 2>/dev/null | prune ${quick[*]} --max-rounds 1 2>/dev/null | net-eval --quiet --data figures.h5"
ok "... the table is on standard error then" sh -c "prune --data figures.h5 --samples 32 --epochs 0 --max-rounds 1 whole.h5 2>table >net.h5 && grep -q parameters_left table && net-eval net.h5"

# Bytes.
for threads in 1 2 4; do
  prune "${tuned[@]}" --no-history --max-rounds 2 -j $threads whole.h5 -o threads$threads.h5 >/dev/null
done
ok "1, 2 and 4 threads give the same bytes" sh -c 'cmp threads1.h5 threads2.h5 && cmp threads1.h5 threads4.h5'
long=("${tuned[@]}" --no-history --max-rounds 4 --max-loss-increase 9 --finish 2 --distill)
prune "${long[@]}" whole.h5 -o whole-run.h5 >/dev/null
interrupted() {
  local tries=0 status=75
  while [ $status != 0 ] && [ $tries -lt 200 ]; do
    prune "${long[@]}" whole.h5 -o stopped.h5 >/dev/null &
    sleep "$(awk -v t=$tries 'BEGIN { print 0.4 + t / 4 }')"  # ever later, so that it ends on a slow machine too
    kill "-$1" $! 2>/dev/null
    wait $!
    status=$?
    case $status in 0 | 75 | 137 | 143) ;; *) echo "exit $status"; return 1 ;; esac
    tries=$((tries + 1))
  done
  [ $status = 0 ] && [ $tries -gt 1 ] && [ ! -e stopped.h5.ckpt ] && cmp stopped.h5 whole-run.h5
}
ok "stopped by SIGTERM again and again it ends in the same bytes" interrupted TERM
rm -f stopped.h5
ok "... and killed by SIGKILL" interrupted KILL

# What goes, how far, and what is done about it.
for name in loss l1 l2 regularizer fpgm bn-scale taylor random; do
  ok "criterion $name" sh -c "prune ${quick[*]} --criterion $name --target-macs 0.8 whole.h5 -o c.h5 --report c.tsv >/dev/null"
  ok "... takes MACs out" at_most "$(column c.tsv macs_left)" 0.8
done
ok "scope all takes trunks" sh -c "prune ${quick[*]} --scope all --one-shot --target-channels 0.3 whole.h5 -o all.h5 --report all.tsv >/dev/null"
ok "... which inner leaves" sh -c 'awk -F"\t" "\$1 == \"layer1.0.conv2\" { exit !(\$3 < \$2) }" all.tsv && awk -F"\t" "\$1 == \"layer1.0.conv2\" { exit !(\$3 == \$2) }" small.tsv'
for kind in mean least-squares; do
  ok "--compensate $kind" sh -c "prune ${quick[*]} --compensate $kind --one-shot --target-channels 0.6 whole.h5 -o k.h5 >/dev/null"
done
ok "--round-to" sh -c "prune ${quick[*]} --round-to 4 --one-shot --target-channels 0.5 whole.h5 -o r.h5 | awk -F'\t' '/^\$/ { on = 1 } on && /conv1/ && \$1 != \"conv1\" && \$3 % 4 { exit 1 }'"
ok "--min-channels" sh -c "prune ${quick[*]} --min-channels 3 --one-shot --max-loss-increase 99 whole.h5 -o m.h5 | awk -F'\t' '/^\$/ { on = 1 } on && /conv1/ && \$3 < 3 { exit 1 }'"
ok "--exclude" sh -c "prune ${quick[*]} --exclude layer3.0.conv1,layer3.1.conv1 --one-shot --max-loss-increase 99 whole.h5 -o e.h5 | awk -F'\t' '/^layer3.[01].conv1/ && \$2 != \$3 { exit 1 }'"
ok "--teacher" sh -c "prune ${tuned[*]} --max-rounds 1 --teacher whole.h5 whole.h5 -o t.h5"
ok "--target-time" sh -c "prune ${quick[*]} --target-time 0.99 whole.h5 -o t.h5; test \$? -le 1"
ok "no more loss than was allowed" sh -c "prune ${quick[*]} --max-loss-increase 0.02 whole.h5 -o l.h5 --report l.tsv >/dev/null"
ok "... on the samples" at_most "$(column l.tsv sample_loss)" "$(awk -v x="$(column l.tsv sample_loss 1)" 'BEGIN { print x + 0.0201 }')"
exits 1 "a target beyond reach" prune "${quick[@]}" --target-params 0.001 --step 1 whole.h5 -o far.h5
ok "... leaves the network that was reached" net-eval far.h5
ok "--sensitivity prints a row for each layer" sh -c "prune ${quick[*]} --sensitivity whole.h5 | wc -l | grep -qx 10"
rm -f none.h5
ok "-n says what would go" sh -c "prune ${quick[*]} -n whole.h5 -o none.h5 | grep -q '^1'"
ok "... and writes nothing" test ! -e none.h5 -a ! -e none.h5.ckpt
ok "the report as JSON" sh -c "prune ${quick[*]} --json --max-rounds 1 whole.h5 -o j.h5 --report j.json >j.out && cmp j.json j.out && grep -q '\"rounds\"' j.json"

# What is wrong is named.
exits 64 "no data" prune whole.h5 -o x.h5
exits 64 "everything excluded" prune "${quick[@]}" --exclude "$(for s in 1 2 3; do for b in 0 1 2; do printf 'layer%s.%s.conv1,' $s $b; done; done | sed 's/,$//')" whole.h5 -o x.h5
says "no layer is left"
exits 64 "a layer that there is not" prune "${quick[@]}" --exclude conv9 whole.h5 -o x.h5
exits 64 "a criterion that there is not" prune "${quick[@]}" --criterion best whole.h5 -o x.h5
exits 64 "two teachers" prune "${quick[@]}" --distill --teacher whole.h5 whole.h5 -o x.h5
exits 64 "a report of another kind" prune "${quick[@]}" --report x.csv whole.h5 -o x.h5
exits 64 "--step with --one-shot" prune "${quick[@]}" --one-shot --step 0.2 whole.h5 -o x.h5
exits 65 "samples in place of the network" prune "${quick[@]}" figures.h5 -o x.h5
figures --samples 20 --test 4 --size 8 --quiet -o other.h5
exits 65 "images of another shape" prune --quiet --data other.h5 --samples 8 --epochs 0 whole.h5 -o x.h5
says "3 x 8 x 8"
exits 66 "a network that is not there" prune "${quick[@]}" none.h5 -o x.h5
figures --samples 2 --test 1 --size 16 --quiet -o one.h5
ok "one sample" sh -c "prune --quiet --data one.h5 --epochs 0 --max-rounds 1 whole.h5 -o x.h5"
exits 74 "a full disk" prune "${quick[@]}" --max-rounds 1 whole.h5 -o /dev/full

# PyTorch reads what is left, by name.
python=${PYTHON:-python3}
if "$python" -c 'import torch, h5py' 2>/dev/null; then
  net-train --quiet --arch resnet20-b --width x0.25 --epochs 1 figures.h5 -o b.h5
  prune "${quick[@]}" --target-params 0.6 b.h5 -o b-small.h5 >/dev/null
  net-eval --quiet --data figures.h5 --logits b-small.h5 -o logits.h5
  cat >load.py <<'PY'
import json, h5py, numpy as np, torch
from torch import nn
net, data = h5py.File("b-small.h5")["network"], h5py.File("figures.h5")
layers = json.loads(net.attrs["architecture"])["layers"]
width = {l["name"]: l["channels"] for l in layers if l["kind"] == "convolution"}
class Block(nn.Module):
    def __init__(self, name, inputs, stride):
        super().__init__()
        inner, out = width[name + ".conv1"], width[name + ".conv2"]
        self.conv1, self.bn1 = nn.Conv2d(inputs, inner, 3, stride, 1, bias=False), nn.BatchNorm2d(inner)
        self.conv2, self.bn2 = nn.Conv2d(inner, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != out:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, out, 1, stride, bias=False), nn.BatchNorm2d(out))
    def forward(self, x):
        return torch.relu(self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x))))) + self.shortcut(x))
class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        inputs = width["conv1"]
        self.conv1, self.bn1 = nn.Conv2d(3, inputs, 3, 1, 1, bias=False), nn.BatchNorm2d(inputs)
        for stage in (1, 2, 3):
            blocks = []
            for block in range(3):
                name = f"layer{stage}.{block}"
                blocks.append(Block(name, inputs, 2 if stage > 1 and block == 0 else 1))
                inputs = width[name + ".conv2"]
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
        self.linear = nn.Linear(inputs, 10)
    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        return self.linear(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))
model = ResNet().eval()
state = {name: torch.from_numpy(p[()]) for name, p in net["parameters"].items()}
missing, unexpected = model.load_state_dict(state, strict=False)
assert not unexpected and all(m.endswith("num_batches_tracked") for m in missing), (missing, unexpected)
x = data["data"][()][data["split"][()] == 1].astype(np.float32) / 255
x = (x - np.reshape(net.attrs["mean"], (1, 3, 1, 1))) / np.reshape(net.attrs["std"], (1, 3, 1, 1))
ours = h5py.File("logits.h5")["logits"][()]
with torch.no_grad():
    theirs = model(torch.from_numpy(x.astype(np.float32))).numpy()
assert np.abs(ours - theirs).max() < 1e-4, np.abs(ours - theirs).max()
PY
  ok "PyTorch loads a pruned network by name, and gives its logits" "$python" load.py
else
  skip "PyTorch loads a pruned network by name, and gives its logits" "no torch and h5py in $python"
fi
done_testing
