# [train] ema: averages equal those of Python's AveragedModel, are saved and resumed,
# and evaluations and `pp merge --ema` use them.
source "$(dirname "$0")/lib.sh"
mlp_job job.toml
sed -i 's/name = "adamw", lr = 1e-2/name = "sgd", lr = 0.5/
  s/^batch_size.*/&\nshuffle = false/; s/^steps = 6/steps = 4\nema.decay = 0.7/' job.toml
cat >>job.toml <<TOML
[eval]
every = 2
data.inputs.x = { path = "x.npy" }
data.target = { path = "y.npy" }
TOML
cat >reference.py <<'PY'
"""reference.py MODEL FOLDER...: each run has the averages of the same training here."""

import json
import sys

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

x, y = (torch.from_numpy(np.load(f"{name}.npy")) for name in "xy")
model = torch.nn.Module()
program = torch.export.load(sys.argv[1])
for name, value in program.state_dict.items():
    model.register_parameter(name.replace(".", "_"), torch.nn.Parameter(value.clone()))


def forward(owner, rows):
    states = {n: getattr(owner, n.replace(".", "_")) for n in program.state_dict}
    return torch.func.functional_call(program.module(), states, (rows,))


average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.7))
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
evaluations = []
for step in range(4):
    rows = slice(16 * step, 16 * step + 16)
    loss = F.cross_entropy(forward(model, x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    average.update_parameters(model)
    if step % 2 == 1:
        with torch.no_grad():
            evaluations.append(F.cross_entropy(forward(average.module, x), y).item())
for folder in sys.argv[2:]:
    with open(f"{folder}/metrics.jsonl") as file:
        lines = [json.loads(line) for line in file]
    ours = [line["eval_loss"] for line in lines if "eval_loss" in line]
    np.testing.assert_allclose(ours, evaluations, rtol=2e-6, err_msg=folder)
    tensors = {}
    for part in (0, 1):
        tensors |= load_file(f"{folder}/checkpoints/step_4/part_{part}.safetensors")
    for name in program.state_dict:
        for prefix, owner in (("", model), ("optimizer.ema.", average.module)):
            value = getattr(owner, name.replace(".", "_"))
            error = (tensors[prefix + name] - value).abs().max() / value.abs().max()
            assert error < 2e-6, (folder, prefix + name, error)
PY

expect_ok "$PP" run job.toml --set output.dir=plain
expect_ok "$PP" run job.toml --launcher processes --set output.dir=processes
two=(--set parallel.replicas=2 --set pipeline.microbatches=2)
expect_ok "$PP" run job.toml "${two[@]}" --set output.dir=replicas
expect_ok "$PP" run job.toml "${two[@]}" --set parallel.zero=1 --set output.dir=shards
run "$PYTHON" reference.py "$FIXTURES/mlp-plain.pt2" plain processes replicas shards
((status == 0)) || fail "the averages aren't Python's"
for part in 0 1; do
  expect_same {plain,processes}/checkpoints/step_4/part_$part.safetensors
  expect_same {replicas,shards}/checkpoints/step_4/part_$part.safetensors
done

# Averages change no weight, and a resumed run continues them.
sed '/^ema/d' job.toml >none.toml
expect_ok "$PP" run none.toml --set output.dir=none
check_python '
from safetensors.torch import load_file
part = "checkpoints/step_4/part_0.safetensors"
none, plain = load_file(f"none/{part}"), load_file(f"plain/{part}")
assert all(none[name].equal(plain[name]) for name in none), none.keys()
assert not any("ema" in name for name in none), none.keys()
'
cp -r plain cut
rm -r cut/checkpoints/step_4
expect_ok "$PP" run job.toml --resume --set output.dir=cut
expect_same {plain,cut}/checkpoints/step_4/part_1.safetensors
refused 2 "train.ema.decay = 0.7, but the job has 0.9" -- \
  "$PP" run job.toml --resume --set output.dir=cut --set train.ema.decay=0.9

# The model with the averages has the loss of the evaluation.
expect_ok "$PP" split "$FIXTURES/mlp-plain.pt2" -o stages --at layers.2
expect_ok "$PP" merge stages --checkpoint plain --ema -o average.pt2
check_python '
import json, sys
import numpy as np, torch
x, y = (torch.from_numpy(np.load(f"{name}.npy")) for name in "xy")
loss = torch.nn.functional.cross_entropy(
    torch.export.load("average.pt2").module()(x), y).item()
last = [json.loads(line) for line in open("plain/metrics.jsonl")][-1]["eval_loss"]
assert abs(loss - last) < 2e-6 * last, (loss, last)
'
refused 3 "has no moving averages" -- "$PP" merge stages --checkpoint none --ema -o no.pt2
refused 2 "--ema" -- "$PP" merge stages --ema -o no.pt2

# The dry run counts one more tensor for each parameter.
expect_ok "$PP" run job.toml --dry-run
expect_text out "optimizer state 8.2 KiB"
