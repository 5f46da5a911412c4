# An evaluation changes nothing, and a checkpoint is saved before it.
source "$(dirname "$0")/lib.sh"
cat >export.py <<'PY'
import numpy as np, torch
from torch import nn


class Counts(nn.Module):
    """Writes buffers whether it trains or not."""

    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(4, 3)
        self.register_buffer("calls", torch.zeros(()))
        self.register_buffer("mean", torch.zeros(4))

    def forward(self, x):
        self.calls.add_(1)
        self.mean.mul_(0.9).add_(0.1 * x.detach().mean(0))
        return self.lin((x - self.mean) * (1 + 0.01 * self.calls))


torch.manual_seed(0)
rows = {0: torch.export.Dim("rows")}
x = torch.randn(48, 4)
torch.export.save(
    torch.export.export(Counts(), (x[:8],), dynamic_shapes=(rows,)), "counts.pt2")
np.save("x.npy", x), np.save("y.npy", x.argmax(1) % 3)
np.save("unknown.npy", np.full(48, 99))
PY
run "$PYTHON" export.py
((status == 0)) || fail "no model"
cat >job.toml <<'TOML'
[model]
path = "counts.pt2"
[pipeline]
microbatches = 2
[data]
batch_size = 8
inputs.x = { path = "x.npy" }
target = { path = "y.npy" }
[train]
steps = 6
loss = { name = "cross_entropy" }
optimizer = { name = "sgd", lr = 0.1 }
TOML
cp job.toml evaluated.toml
cat >>evaluated.toml <<'TOML'
[eval]
every = 2
data = { inputs.x = { path = "x.npy" }, target = { path = "y.npy" } }
TOML

for options in "" "--launcher processes" "--set parallel.replicas=2 --set pipeline.microbatches=1"; do
  rm -rf plain evaluated
  # shellcheck disable=SC2086 # words of a command line
  expect_ok "$PP" run job.toml $options --set output.dir=plain
  # shellcheck disable=SC2086
  expect_ok "$PP" run evaluated.toml $options --set output.dir=evaluated
  expect_same {plain,evaluated}/checkpoints/step_6/part_0.safetensors
done
check_python '
from safetensors.torch import load_file
calls = load_file("evaluated/checkpoints/step_6/part_0.safetensors")["calls"]
assert calls.item() == 6, calls  # the first replica has a microbatch a step
'

# An evaluation that fails costs nothing that was trained.
expect_exit 3 "$PP" run evaluated.toml --set output.dir=failed \
  --set eval.every=6 --set 'eval.data.target.path="unknown.npy"'
expect_file failed/checkpoints/step_6/state.json

# A signal during a long evaluation ends it early. What was trained is saved, and
# a resumed run ends with the same weights as a run without the signal.
"$PYTHON" -c '
import numpy as np
np.save("many_x.npy", np.random.default_rng(0).random((600000, 4), np.float32))
np.save("many_y.npy", np.zeros(600000, np.int64))'
long_eval=("$PP" run evaluated.toml --set eval.every=3
  --set 'eval.data.inputs.x.path="many_x.npy"'
  --set 'eval.data.target.path="many_y.npy"')
has_lines() { [[ -f "$1" ]] && (($(grep -c . "$1") >= $2)); }
for options in "" "--launcher processes" "--set parallel.replicas=2 --set pipeline.microbatches=1"; do
  rm -rf plain long
  # shellcheck disable=SC2086 # words of a command line
  expect_ok "$PP" run job.toml $options --set output.dir=plain
  command_line="${long_eval[*]} $options (TERM)"
  # shellcheck disable=SC2086
  "${long_eval[@]}" $options --set output.dir=long >out 2>err &
  pid=$!
  wait_for 120 has_lines long/metrics.jsonl 3
  sleep 0.5
  began=$(now_ms)
  kill -TERM $pid
  wait $pid
  status=$?
  ((status == 143)) || fail "ended with $status, not 143"
  within "$(($(now_ms) - began))" 5000 || fail "did not stop soon"
  expect_text err "interrupted; --resume continues from" \
    "long/checkpoints/step_3"
  expect_no_text long/metrics.jsonl eval
  expect_clean long
  # shellcheck disable=SC2086
  expect_ok "$PP" run evaluated.toml $options --resume --set output.dir=long
  expect_same {plain,long}/checkpoints/step_6/part_0.safetensors
done

# Also the evaluation after the last step, which a resumed run does once.
rm -rf plain long
expect_ok "$PP" run evaluated.toml --set output.dir=plain --set eval.every=100
command_line="${long_eval[*]} (TERM)"
"${long_eval[@]}" --set output.dir=long --set eval.every=100 >out 2>err &
pid=$!
wait_for 120 has_lines long/metrics.jsonl 6
sleep 0.5
kill -TERM $pid
wait $pid
status=$?
((status == 143)) || fail "ended with $status, not 143"
expect_no_text long/metrics.jsonl eval
for _ in 1 2; do
  expect_ok "$PP" run evaluated.toml --resume --set output.dir=long \
    --set eval.every=100
  [[ "$(num_lines long/metrics.jsonl eval_loss)" == 1 ]] || fail "not once"
done
check_python '
import json
plain, long = (
    [json.loads(line) for line in open(name + "/metrics.jsonl")][-1]["eval_loss"]
    for name in ("plain", "long"))
assert plain == long, (plain, long)'
