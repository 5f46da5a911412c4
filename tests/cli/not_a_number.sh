# Steps whose loss, gradients or buffers are not numbers, and steps without a
# target that counts: train.on_nan.
source "$(dirname "$0")/lib.sh"
cat >export.py <<'PY'
import numpy as np, torch
from torch import nn
torch.manual_seed(0)
class Net(nn.Module):
    def __init__(self, middle):
        super().__init__()
        self.a, self.middle, self.b = nn.Linear(4, 6), middle, nn.Linear(6, 3)
    def forward(self, x):
        return self.b(self.middle(self.a(x)))
class Root(nn.Module):
    def forward(self, x):
        # Below 0 the root's gradient is 0 times NaN.
        return torch.where(x > 0, torch.sqrt(x), torch.zeros_like(x))
rows = {0: torch.export.Dim("rows")}
x = torch.randn(40, 4)
middles = {"norm": nn.BatchNorm1d(6), "root": Root(), "plain": nn.Tanh()}
for name, middle in middles.items():
    program = torch.export.export(Net(middle), (x[:8],), dynamic_shapes=(rows,))
    torch.export.save(program, f"{name}.pt2")
def save(name, tensor, **changes):
    tensor = tensor.clone()
    for where, value in changes.items():
        first, last = map(int, where[1:].split("_"))
        tensor[first:last + 1] = value
    np.save(name, tensor)
y = x.argmax(1) % 3
z = torch.randn(40, 3)
save("x.npy", x), save("y.npy", y)
save("bad.npy", x, r19_19=torch.nan)       # step 3, first half
save("bad_late.npy", x, r22_22=torch.nan)  # step 3, second half
save("bad_first.npy", x, r0_0=torch.nan)
save("z_infinite.npy", z, r17_17=torch.inf)
save("y_ignored.npy", y, r16_23=-100)
save("y_half.npy", y, r16_19=-100)
np.save("x_less.npy", np.delete(x, slice(16, 24), 0))  # without step 3
np.save("y_less.npy", np.delete(y, slice(16, 24), 0))
PY
run "$PYTHON" export.py
((status == 0)) || fail "no models"
cat >job.toml <<'TOML'
[model]
path = "norm.pt2"
[split]
at = ["b"]
[pipeline]
microbatches = 2
[data]
batch_size = 8
shuffle = false
inputs.x = { path = "bad.npy" }
target = { path = "y.npy" }
[train]
epochs = 1
loss = { name = "cross_entropy" }
optimizer = { name = "adam", lr = 0.01 }
clip_grad_norm = 0.5
[output]
dir = "runs"
checkpoint_every = 1
keep = 0
TOML

good=(--set 'data.inputs.x.path="x.npy"')
less=(--set 'data.inputs.x.path="x_less.npy"' --set 'data.target.path="y_less.npy"')
checkpoints() { find "$1/checkpoints" -mindepth 1 -printf '%f\n' | grep step | sort | tr '\n' ' '; }
# same A B: the checkpoints are equal to the bit.
same() {
  expect_same "$1/part_0.safetensors" "$2/part_0.safetensors"
  expect_same "$1/part_1.safetensors" "$2/part_1.safetensors"
}
# stops TEXT... -- ARGUMENT...: the run ends with one line.
stops() {
  local texts=()
  while [[ "$1" != -- ]]; do
    texts+=("$1")
    shift
  done
  expect_exit 4 "$PP" run job.toml "${@:2}"
  [[ "$(grep -c '' err)" == 1 ]] || fail "expected one line on stderr"
  expect_text err "pp: error: step" "${texts[@]}"
  expect_no_text err "rank" "-nan"
}

# stop, the default: the error names step, rows and value. Nothing is saved from
# the step on; the metrics have it.
where="step 3: the loss of microbatch 0 is nan (rows 16, 17, 18, 19 of the data); input 'x' holds nan in row 19 of the data"
stops "$where" 'train.on_nan = "skip"' "the last checkpoint is" \
  "runs/checkpoints/step_2" "; correct the data; " --
[[ "$(checkpoints runs)" == "step_1 step_2 " ]] || fail "$(checkpoints runs)"
check_python '
import json
rows = [json.loads(line) for line in open("runs/metrics.jsonl")]
assert [row["step"] for row in rows] == [1, 2, 3], rows
assert rows[1]["loss"] > 0 and rows[2]["loss"] is None, rows
'
for launcher in processes local; do
  stops "$where" -- --set output.dir=$launcher --launcher $launcher
  [[ "$(checkpoints $launcher)" == "step_1 step_2 " ]] || fail "$launcher"
done
for zero in 0 1; do # in one replica only
  stops "step 3: the loss of microbatch 1 is nan (rows 20, 21, 22, 23" \
    "row 22" -- --set output.dir=replicas$zero --set parallel.replicas=2 \
    --set pipeline.microbatches=1 --set parallel.zero=$zero \
    --set 'data.inputs.x.path="bad_late.npy"'
done
stops "step 3: the loss of microbatch 3 is nan (rows 22, 23 of the data)" -- \
  --set output.dir=accumulated --set data.batch_size=4 \
  --set train.accumulate=2 --set 'data.inputs.x.path="bad_late.npy"'
# After the data were mended, the run goes on from the checkpoint.
expect_ok "$PP" run job.toml "${good[@]}" --resume
expect_ok "$PP" run job.toml "${good[@]}" --set output.dir=good
same runs/checkpoints/step_5 good/checkpoints/step_5

# The first step: an earlier run's files stay where they are.
cp runs/metrics.jsonl before
stops "step 1: " "row 0 of the data" "has saved no checkpoint" -- \
  --set 'data.inputs.x.path="bad_first.npy"'
expect_same before runs/metrics.jsonl
[[ "$(checkpoints runs)" == "step_1 step_2 step_3 step_4 step_5 " ]] ||
  fail "$(checkpoints runs)"

# skip: the step leaves nothing behind, in parameters, optimizer state and
# buffers: the run is the one without its rows.
skip=(--set 'train.on_nan="skip"')
expect_ok "$PP" run job.toml "${less[@]}" --set output.dir=less
for options in "" "--launcher processes" "--set data.batch_size=4 --set train.accumulate=2 --set pipeline.microbatches=1"; do
  # shellcheck disable=SC2086 # words of a command line
  expect_ok "$PP" run job.toml "${skip[@]}" $options --set output.dir=skip --overwrite
  expect_text err "step 3: the loss of microbatch 0 is nan (rows 16" \
    "input 'x' holds nan in row 19" "its update is left out" \
    "1 update of 5 was left out"
  same skip/checkpoints/step_5 less/checkpoints/step_4
done
two=(--set parallel.replicas=2 --set pipeline.microbatches=1)
for zero in 0 1; do # whose gradient norms differ in the last bit
  expect_ok "$PP" run job.toml "${less[@]}" "${two[@]}" \
    --set parallel.zero=$zero --set output.dir=less$zero
  expect_ok "$PP" run job.toml "${skip[@]}" "${two[@]}" \
    --set parallel.zero=$zero --set 'data.inputs.x.path="bad_late.npy"' \
    --set output.dir=skip$zero
  same skip$zero/checkpoints/step_5 less$zero/checkpoints/step_4
done

# continue: as torch. output.keep holds, and the last good checkpoint is kept.
for keep in 2 1; do
  rm -rf continue
  expect_ok "$PP" run job.toml --set 'train.on_nan="continue"' \
    --set output.keep=$keep --set output.dir=continue
  expect_text err "$where" "training continues"
  [[ "$(grep -c '' err)" == 1 ]] || fail "expected one warning"
  ((keep == 1)) && kept="step_5 " || kept="step_2 step_5 "
  [[ "$(checkpoints continue)" == "$kept" ]] || fail "$(checkpoints continue)"
done

# A resumed run still knows which checkpoint is the last good one.
rm -rf continue
run_on=(--set 'train.on_nan="continue"' --set output.keep=2
  --set output.dir=continue)
sed 's/^epochs = 1/steps = 4/' job.toml >four.toml
sed 's/^epochs = 1/steps = 5/' job.toml >five.toml
expect_ok "$PP" run four.toml "${run_on[@]}"
expect_ok "$PP" run five.toml "${run_on[@]}" --resume
[[ "$(checkpoints continue)" == "step_2 step_5 " ]] || fail "$(checkpoints continue)"

# A checkpoint from before the first update has no state of the optimizer.
late=("${skip[@]}" --set 'data.inputs.x.path="bad_first.npy"')
sed 's/^epochs = 1/steps = 1/' job.toml >one.toml
expect_ok "$PP" run one.toml "${late[@]}" --set output.dir=late
expect_ok "$PP" run job.toml "${late[@]}" --set output.dir=late --resume
expect_ok "$PP" run job.toml "${late[@]}" --set output.dir=at_once
same late/checkpoints/step_5 at_once/checkpoints/step_5
refused 3 "keeps no 'max_exp_avg_sq'" -- "$PP" run job.toml "${late[@]}" \
  --set output.dir=late --resume \
  --set 'train.optimizer={ name = "adam", lr = 0.01, amsgrad = true }'

# A gradient that isn't finite, though the loss is.
root=(--set 'model.path="root.pt2"' "${good[@]}")
stops "step 1: the gradient norm is nan, though the loss is" \
  "the gradients of 'a.bias' and 1 other parameter aren't finite" -- "${root[@]}" \
  --set output.dir=root
expect_ok "$PP" run job.toml "${root[@]}" "${skip[@]}" --set output.dir=root
expect_text err "5 updates of 5 were left out"
check_python '
import torch
from safetensors.torch import load_file
source = torch.export.load("root.pt2").state_dict
for part in (0, 1):
    saved = load_file(f"root/checkpoints/step_5/part_{part}.safetensors")
    for name, value in saved.items():
        assert name in source and torch.equal(value, source[name]), name
'
# An infinite loss; and NaN is no overflow of a scaled loss in float16.
stops "is inf (rows 16, 17, 18, 19" "the target holds an infinity in row 17" \
  -- "${good[@]}" --set 'train.loss.name="mse"' --set output.dir=infinite \
  --set 'data.target.path="z_infinite.npy"' --set 'model.path="plain.pt2"'
stops "$where" -- --set 'train.precision="fp16"' --set output.dir=fp16 \
  --set 'model.path="plain.pt2"'

# Batch norm writes NaN when a microbatch has one row; the loss doesn't show it.
ragged=("${good[@]}" --set data.batch_size=12 --set pipeline.microbatches=3)
stops "step 4: the model wrote nan to 'middle.running_var', though the loss is" \
  "batch norm needs two or more values per channel" -- "${ragged[@]}" \
  --set output.dir=ragged
expect_ok "$PP" run job.toml "${ragged[@]}" "${skip[@]}" --set output.dir=ragged
same ragged/checkpoints/step_3 ragged/checkpoints/step_4

# Without a target that counts there is no loss and no update, on no replica;
# half a step without one has a loss.
plain=("${good[@]}" --set 'model.path="plain.pt2"')
for options in "" "--launcher processes" "${two[*]} --set parallel.zero=0" \
  "${two[*]} --set parallel.zero=1 --launcher processes"; do
  # shellcheck disable=SC2086 # words of a command line
  expect_ok "$PP" run job.toml "${less[@]}" $options --overwrite \
    --set output.dir=less_plain --set 'model.path="plain.pt2"'
  # shellcheck disable=SC2086
  expect_ok "$PP" run job.toml "${plain[@]}" $options --overwrite \
    --set output.dir=ignored --set 'data.target.path="y_ignored.npy"'
  expect_text err "step 3: every target is ignored (rows 16, 17, 18, 19, 20" \
    "its update is left out" "1 update of 5 was left out"
  same ignored/checkpoints/step_5 less_plain/checkpoints/step_4
  check_python '
import json
rows = [json.loads(line) for line in open("ignored/metrics.jsonl")]
assert rows[2]["loss"] is None and rows[2]["grad_norm"] is None, rows[2]
assert all(rows[i]["loss"] > 0 for i in (0, 1, 3, 4)), rows
'
done
for replicas in 1 2; do
  rm -rf half
  expect_ok "$PP" run job.toml "${plain[@]}" --set output.dir=half \
    --set 'data.target.path="y_half.npy"' \
    --set parallel.replicas=$replicas --set pipeline.microbatches=$((2 / replicas))
  [[ ! -s err ]] || fail "it warned"
  check_python '
import json
assert all(json.loads(row)["loss"] > 0 for row in open("half/metrics.jsonl"))
'
done

# An evaluation without a number is said; it ends nothing.
cat >>job.toml <<'TOML'
[eval]
every = 2
data = { inputs.x = { path = "bad.npy" }, target = { path = "y.npy" } }
TOML
expect_ok "$PP" run job.toml "${good[@]}" --set output.dir=eval
expect_text err "evaluation at step 2: the loss is nan, first in rows 16, 17" \
  "evaluation at step 5: "
expect_text eval/metrics.jsonl '"eval_loss":null'
sed 's/^epochs = 1/steps = 0/' job.toml >evaluate.toml
expect_ok "$PP" run evaluate.toml "${good[@]}" --set output.dir=eval \
  --set 'eval.data.inputs.x.path="x.npy"' \
  --set 'eval.data.target.path="y_ignored.npy"'
[[ ! -s err ]] || fail "some targets count"
"$PYTHON" -c 'import numpy as np; np.save("none.npy", np.full(40, -100))'
expect_ok "$PP" run evaluate.toml "${good[@]}" --set output.dir=eval \
  --set 'eval.data.inputs.x.path="x.npy"' \
  --set 'eval.data.target.path="none.npy"'
expect_text err "evaluation at step 0: every target is ignored"
expect_text eval/eval.json '"eval_loss":null'


refused 2 "train.on_nan" "stop" "skip" "continue" -- "$PP" run job.toml \
  --set 'train.on_nan="ignore"'
