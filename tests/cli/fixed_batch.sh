# Inference and evaluation with a batch that the export fixed: no row is lost, and
# the rows that fill the last microbatch change nothing.
source "$(dirname "$0")/lib.sh"

# fixed_job NAME MODEL BATCH_SIZE: writes NAME.toml, a job on rows.npy.
fixed_job() {
  cat >"$1.toml" <<TOML
[model]
path = "$2"

[data]
batch_size = $3
inputs.x = { path = "rows.npy" }

[output]
dir = "$1"
TOML
}

"$PYTHON" -c '
import numpy as np
rows = np.random.default_rng(0).standard_normal((24, 32), dtype=np.float32)
rows[21:] = rows[20]
np.save("whole.npy", rows)
np.save("rows.npy", rows[:21])
np.save("three.npy", rows[:3])
np.save("one.npy", rows[:1])'

# Rows have the bits of whole batches, for any batch size, split and launcher.
fixed_job whole "$FIXTURES/mlp-fixed.pt2" 4
expect_ok "$PP" run whole.toml --set data.inputs.x.path=whole.npy
cat >first_rows.py <<'PY'
"""Whether outputs are the first rows of those of whole batches."""
import sys
from safetensors.torch import load_file
whole = load_file("whole/outputs.safetensors")
got = load_file(f"{sys.argv[1]}/outputs.safetensors")
assert got.keys() == whole.keys()
for name, value in got.items():
    assert len(value) == int(sys.argv[2]), value.shape
    assert value.equal(whole[name][: len(value)]), name
PY
# equals NAME ROWS OPTION...: runs the job with these options.
equals() {
  local name="$1" rows="$2"
  shift 2
  expect_ok "$PP" run whole.toml --set data.inputs.x.path=rows.npy \
    --set "output.dir=$name" "$@"
  expect_no_text err "left out"
  run "$PYTHON" first_rows.py "$name" "$rows"
  ((status == 0)) || fail "not the rows of whole batches"
  expect_clean "$name"
}
equals one 21
equals two 21 --set data.batch_size=8
equals four 21 --set data.batch_size=16 --set 'split.at=["layers.2"]'
equals above 21 --set data.batch_size=400
equals vee 21 --set data.batch_size=8 --schedule ZBVZeroBubble --ranks 2 \
  --set 'split.at=["layers.1","layers.2","head"]'
equals processes 21 --set data.batch_size=8 --launcher processes \
  --set 'split.at=["layers.2"]'
equals trace 21 --set output.trace=true
equals few 3 --set data.inputs.x.path=three.npy --set data.batch_size=8
equals single 1 --set data.inputs.x.path=one.npy
expect_ok "$PP" run whole.toml --set data.inputs.x.path=rows.npy --dry-run
equals dropped 20 --set data.drop_last=true
equals dropped_more 16 --set data.drop_last=true --set data.batch_size=8

# Where outputs depend on the other rows, or aren't rows, nothing is guessed.
"$PYTHON" -c '
import torch
class Model(torch.nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.kind = kind
        self.norm = torch.nn.BatchNorm1d(32)
        self.register_buffer("count", torch.zeros(()))
    def forward(self, x):
        if self.kind == "norm":
            return self.norm(x) * 2
        if self.kind == "counts":
            self.count += 1
            return x + self.count * 0
        return {
            "scalar": x.mean(),
            "reduced": x.sum(0),
            "mixed": x - x.mean(0, keepdim=True),
            "gram": x @ x.t(),
            "second": torch.relu(x).t(),
            "rows": x + 1,
        }[self.kind]
for kind in "scalar reduced mixed gram second rows norm counts".split():
    program = torch.export.export(Model(kind), (torch.ones(4, 32),))
    torch.export.save(program, kind + ".pt2")' >out 2>err || fail "no models"
# refuses KIND TEXT OPTION...: nothing is written.
refuses() {
  local kind="$1" text="$2"
  shift 2
  fixed_job "$kind" "$kind.pt2" 8
  refused 2 "21 rows" "the last 1 don't fill a microbatch of 4" "output_0" \
    "$text" "pad the data to 24 rows" "data.drop_last = true" "the last 5" \
    -- "$PP" run "$kind.toml" "$@"
  expect_no_file "$kind/outputs.safetensors"
  expect_ok "$PP" run "$kind.toml" --set data.drop_last=true "$@"
}
refuses scalar "is one value for all rows"
refuses reduced "has shape [32], which doesn't have one entry per row"
refuses mixed "depends on the other rows"
refuses gram "depends on the other rows"
refuses norm "depends on the other rows" --set model.mode=train
refuses rows "is one value for all rows" \
  --set 'output.outputs.output_0={ join = "sum" }'
# Outputs can be cut along another dimension, too.
fixed_job second second.pt2 8
expect_ok "$PP" run second.toml --set 'output.outputs.output_0={ join = 1 }'
check_python '
import numpy as np, torch
from safetensors.torch import load_file
got = load_file("second/outputs.safetensors")["output_0"]
assert got.equal(torch.from_numpy(np.load("rows.npy")).relu().t()), got.shape'
# The trial leaves no trace in states that a forward changes.
fixed_job counts counts.pt2 8
expect_ok "$PP" run counts.toml

# An evaluation fills its last microbatch, too. Its loss is that of the rows.
check_python '
import json, sys
import numpy as np, torch
classes = np.random.default_rng(1).integers(0, 10, 24)
np.save("classes.npy", classes)
np.save("row_classes.npy", classes[:21])
module = torch.export.load(sys.argv[1]).module()
y = torch.from_numpy(classes)
with torch.no_grad():
    parts = torch.from_numpy(np.load("whole.npy")).split(4)
    output = torch.cat([module(part) for part in parts])
loss = torch.nn.functional.cross_entropy
want = {rows: loss(output[:rows], y[:rows]).item() for rows in (20, 21)}
assert abs(want[20] - want[21]) > 1e-3, want
json.dump(want, open("losses.json", "w"))' "$FIXTURES/mlp-fixed.pt2"
cat >eval.toml <<TOML
[model]
path = "$FIXTURES/mlp-fixed.pt2"

[data]
batch_size = 4
inputs.x = { path = "whole.npy" }
target = { path = "classes.npy" }

[train]
steps = 0
loss = { name = "cross_entropy" }

[eval]
data.inputs.x = { path = "rows.npy" }
data.target = { path = "row_classes.npy" }

[output]
dir = "eval"
TOML
# evaluates NAME ROWS OPTION...: the loss of the first rows is Python's.
evaluates() {
  local name="$1" rows="$2"
  shift 2
  expect_ok "$PP" run eval.toml --set "output.dir=$name" "$@"
  expect_no_text err "left out"
  check_python '
import json, sys
folder, rows = sys.argv[1:]
want = json.load(open("losses.json"))[rows]
got = json.load(open(f"{folder}/eval.json"))["eval_loss"]
assert abs(got - want) < 2e-6 * want, (got, want)' "$name" "$rows"
}
evaluates eval 21
evaluates eval_two 21 --set data.batch_size=8 --set 'split.at=["layers.2"]'
evaluates eval_vee 21 --set data.batch_size=8 --schedule ZBVZeroBubble \
  --ranks 2 --set 'split.at=["layers.1","layers.2","head"]'
evaluates eval_processes 21 --set data.batch_size=8 --launcher processes \
  --set 'split.at=["layers.2"]'
# The padded microbatch is the last replica's, or the first's, with none for the
# others.
evaluates eval_replicas 21 --set data.batch_size=8 --set parallel.replicas=2
evaluates eval_first 21 --set data.batch_size=16 --set data.drop_last=true \
  --set parallel.replicas=2 --set 'split.at=["layers.2"]'
evaluates eval_dropped 20 --set eval.data.drop_last=true
expect_ok "$PP" run eval.toml --dry-run
# A training evaluates all rows at its end.
expect_ok "$PP" run eval.toml --set output.dir=trained --set train.steps=2 \
  --set train.optimizer.name=sgd --set train.optimizer.lr=1e-9
check_python '
import json
trained = [json.loads(line) for line in open("trained/metrics.jsonl")]
whole = json.load(open("eval/eval.json"))
(loss,) = [row["eval_loss"] for row in trained if "eval_loss" in row]
assert abs(loss - whole["eval_loss"]) < 1e-5, (loss, whole)'

# A loss that depends on the rows that fill the microbatch is refused, before
# the first step of a training.
"$PYTHON" -c '
import torch
from torch import nn
class Model(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.kind = kind
        self.last = nn.Linear(32, 10)
    def forward(self, x):
        h = self.last(x)
        return h - h.mean(0, keepdim=True) if self.kind == "centred" else h.mean()
class Loss(nn.Module):
    def forward(self, output, target):
        return nn.functional.cross_entropy(output, target)
for kind in "centred", "own_loss":
    program = torch.export.export(Model(kind), (torch.ones(4, 32),))
    torch.export.save(program, kind + ".pt2")
for name, rows in (("loss", torch.export.Dim("rows")), ("fixed_loss", None)):
    program = torch.export.export(
        Loss(), (torch.ones(4, 10), torch.zeros(4, dtype=torch.long)),
        dynamic_shapes=({0: rows}, {0: rows}) if rows else None)
    torch.export.save(program, name + ".pt2")' >out 2>err || fail "no models"
evaluates eval_graph 21 --set 'train.loss={ path = "loss.pt2" }'
# refuses_loss JOB TEXT OPTION...
refuses_loss() {
  local job="$1" text="$2" steps
  shift 2
  rm -rf no_loss
  for steps in 0 2; do
    refused 2 "the data of [eval] has 21 rows" "output 'output_0' $text" \
      "the last 1 don't fill a microbatch of 4" "pad the data to 24 rows" \
      "eval.data.drop_last = true to leave out the last 1" \
      -- "$PP" run "$job" --set output.dir=no_loss "$@" \
      --set train.steps=$steps --set train.optimizer.name=sgd
    expect_no_file no_loss/metrics.jsonl no_loss/eval.json
  done
  expect_ok "$PP" run "$job" --set output.dir=no_loss "$@" \
    --set eval.data.drop_last=true
}
refuses_loss eval.toml "depends on the other rows" --set model.path=centred.pt2
refuses_loss eval.toml \
  "is read by a loss graph that was exported with a fixed batch" \
  --set 'train.loss={ path = "fixed_loss.pt2" }'
sed '/target/d' eval.toml >own.toml
refuses_loss own.toml "is one value for all rows" \
  --set model.path=own_loss.pt2 --set 'train.loss={ output = "output_0" }'
