# metrics.jsonl, the progress lines, and evaluation on held-out data.
source "$(dirname "$0")/lib.sh"
mlp_job job.toml
cat >>job.toml <<'TOML'
[eval]
every = 2
data = { inputs.x = { path = "x.npy" }, target = { path = "y.npy" } }
TOML

# Not to a terminal: plain lines, no control characters.
expect_ok "$PP" run job.toml --set train.clip_grad_norm=0.5
expect_match out '^step 1/6  loss [0-9.]+  grad [0-9.]+  lr 0.01  [0-9.]+ ms/step  [0-9.k]+ samples/s  [0-9:]+ left$'
expect_match out '^step 6/6 '
expect_match out '^eval at step 2: loss [0-9.]+'
expect_match out '^saved .*/runs/checkpoints/step_6$'
[[ ! -s err ]] || fail "something on stderr"
! grep -q $'[\r\033]' out || fail "control characters in a plain file"

check_python '
import json
rows = [json.loads(line) for line in open("runs/metrics.jsonl")]
steps = [r for r in rows if "loss" in r]
evals = [r for r in rows if "eval_loss" in r]
assert [r["step"] for r in steps] == [1, 2, 3, 4, 5, 6]
assert [r["step"] for r in evals] == [2, 4, 6]
keys = {"step", "loss", "grad_norm", "lr", "step_ms", "samples_per_s", "bubble"}
for row in steps:
    assert keys <= row.keys(), row
    assert "tokens_per_s" not in row  # the inputs are not integers
    assert row["loss"] > 0 and row["grad_norm"] > 0 and row["lr"] == 0.01
    assert row["step_ms"] > 0 and 0 <= row["bubble"] <= 1
    assert abs(row["samples_per_s"] * row["step_ms"] / 1000 / 16 - 1) < 1e-3
assert evals[-1]["eval_loss"] < evals[0]["eval_loss"]
'

# The loss is that of Python: step 1 without shuffling.
expect_ok "$PP" run job.toml --set data.shuffle=false --set output.dir=ordered
check_python '
import json, sys
import numpy as np, torch
module = torch.export.load(sys.argv[1]).module()
x, y = (torch.from_numpy(np.load(f"{n}.npy")) for n in "xy")
loss = torch.nn.functional.cross_entropy(module(x[:16]), y[:16])
loss.backward()
norm = torch.stack([p.grad.norm() for p in module.parameters()]).norm()
row = json.loads(open("ordered/metrics.jsonl").readline())
assert abs(row["loss"] / loss.item() - 1) < 1e-5, (row, loss)
assert abs(row["grad_norm"] / norm.item() - 1) < 1e-5, (row, norm)
' "$FIXTURES/mlp-plain.pt2"

# Integer inputs: tokens a second; the whole run is in the learning rates.
cat >gpt2.toml <<TOML
model.path = "$FIXTURES/gpt2.pt2"
split.at = ["transformer.h.2"]
pipeline.microbatches = 2
output.dir = "gpt2"
[data]
batch_size = 4
inputs.input_ids = { path = "tokens.npy", window = 16 }
target = { path = "tokens.npy", window = 16, shift = 1 }
[train]
steps = 8
loss = { name = "cross_entropy" }
optimizer = { name = "sgd", lr = 1.0, momentum = 0.9 }
lr_schedule = { name = "linear", warmup = 4 }
TOML
"$PYTHON" -c '
import numpy as np
np.save("tokens.npy", np.random.default_rng(0).integers(0, 64, 1000))'
expect_ok "$PP" run gpt2.toml
check_python '
import json
rows = [json.loads(line) for line in open("gpt2/metrics.jsonl")]
rates = [row["lr"] for row in rows]
assert rates[:4] == sorted(rates[:4]) and max(rates) == 1.0, rates
assert rates[4:] == sorted(rates[4:], reverse=True) and rates[-1] < 1, rates
for row in rows:
    assert abs(row["tokens_per_s"] / row["samples_per_s"] - 16) < 1e-3, row
'

# On a terminal: a bar on one line, redrawn.
if command -v script >/dev/null; then
  expect_ok script -qec "$PP run job.toml --set output.dir=tty" /dev/null
  expect_text out "6/6" $'\r'
fi

# A number that went bad is null in the metrics (more in not_a_number.sh).
expect_exit 4 "$PP" run job.toml --set output.dir=diverged \
  --set train.optimizer.lr=1e30
expect_text diverged/metrics.jsonl '"loss":null'

# Checkpoints where they were asked for; training keeps no outputs.
[[ "$(ls runs/checkpoints | tr '\n' ' ')" == "step_2 step_4 step_6 " ]] ||
  fail "checkpoints: $(ls runs/checkpoints)"
[[ "$(ls runs | tr '\n' ' ')" == "checkpoints metrics.jsonl " ]] ||
  fail "runs holds $(ls runs)"
