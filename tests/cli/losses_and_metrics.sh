# Options of the loss and the metrics of evaluations have the values of torch and of
# scikit-learn, however the job runs.
source "$(dirname "$0")/lib.sh"
mlp_job job.toml
sed -i 's/name = "adamw", lr = 1e-2/name = "sgd", lr = 0.5/; s/^steps = 6/steps = 4/
  s/^batch_size.*/&\nshuffle = false/; s/y.npy/ignored.npy/
  s/name = "cross_entropy"/&, label_smoothing = 0.1, weights = "weights.npy"/' job.toml
cat >>job.toml <<TOML
[eval]
every = 2
data.batch_size = 30
data.inputs.x = { path = "x.npy" }
data.target = { path = "ignored.npy" }
metrics = ["accuracy", "accuracy_top5", "perplexity"]
TOML
# The first microbatch of a step has only targets of class 0, which weighs nothing.
"$PYTHON" - <<'PY'
import numpy as np
y = np.load("y.npy")
y[::7] = -100
y[::16] = y[1::16] = 0
np.save("ignored.npy", y)
np.save("weights.npy", np.array([0, .5, 1, 2, 1.5, 1, .25, 1, 3, 1], np.float32))
PY

cat >reference.py <<'PY'
"""reference.py MODEL FOLDER...: each run has the numbers of the same training here."""

import json
import math
import sys

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from sklearn.metrics import accuracy_score, log_loss, top_k_accuracy_score

x, y = torch.from_numpy(np.load("x.npy")), torch.from_numpy(np.load("ignored.npy"))
options = {
    "weight": torch.from_numpy(np.load("weights.npy")),
    "label_smoothing": 0.1,
}
model = torch.export.load(sys.argv[1]).module()
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
counted = y != -100
losses, evaluations = [], []
for step in range(4):
    rows = slice(16 * step, 16 * step + 16)
    loss = F.cross_entropy(model(x[rows]), y[rows], **options)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
    if step % 2 == 1:
        with torch.no_grad():
            whole = model(x)
        logits, labels = whole[counted].double(), range(10)
        evaluations.append({
            "eval_loss": F.cross_entropy(whole, y, **options).item(),
            "eval_accuracy": accuracy_score(y[counted], logits.argmax(1)),
            "eval_accuracy_top5": top_k_accuracy_score(
                y[counted], logits, k=5, labels=labels),
            "eval_perplexity": math.exp(
                log_loss(y[counted], logits.softmax(1), labels=labels)),
        })
for folder in sys.argv[2:]:
    with open(f"{folder}/metrics.jsonl") as file:
        lines = [json.loads(line) for line in file]
    ours = [line["loss"] for line in lines if "loss" in line]
    np.testing.assert_allclose(ours, losses, rtol=2e-6, err_msg=folder)
    results = [line for line in lines if "eval_loss" in line]
    assert len(results) == len(evaluations), results
    for result, wanted in zip(results, evaluations):
        assert list(result)[2:-1] == list(wanted), result
        for key, value in wanted.items():
            exact = "accuracy" in key
            np.testing.assert_allclose(
                result[key], value, rtol=0 if exact else 2e-6, err_msg=f"{folder} {key}")
    weights = {}
    for part in (0, 1):
        try:
            weights |= load_file(f"{folder}/checkpoints/step_4/part_{part}.safetensors")
        except FileNotFoundError:
            assert part == 1
    for name, value in model.named_parameters():
        error = (weights[name] - value).abs().max() / value.abs().max()
        assert error < 2e-6, (folder, name, error)
PY

expect_ok "$PP" run job.toml --set output.dir=two
expect_match out '^eval at step 2: loss [0-9.]+, accuracy [0-9.]+, accuracy_top5 [0-9.]+, perplexity [0-9.]+ \('
expect_ok "$PP" run job.toml --set 'split.at=[]' --set pipeline.microbatches=1 \
  --set output.dir=one
expect_ok "$PP" run job.toml --launcher processes --set pipeline.microbatches=8 \
  --set output.dir=processes
expect_ok "$PP" run job.toml --set parallel.replicas=2 --set parallel.zero=1 \
  --set output.dir=replicas
expect_ok "$PP" run job.toml --set data.batch_size=8 --set train.accumulate=2 \
  --set output.dir=accumulated --set eval.data.batch_size=80
listed='[0, 0.5, 1, 2, 1.5, 1, 0.25, 1, 3, 1]'
expect_ok "$PP" run job.toml --set "train.loss.weights=$listed" --set output.dir=listed
run "$PYTHON" reference.py "$FIXTURES/mlp-plain.pt2" \
  two one processes replicas accumulated listed
((status == 0)) || fail "the numbers aren't torch's"
expect_same {two,listed}/checkpoints/step_4/part_0.safetensors

# A job that only evaluates gives the same numbers.
expect_ok "$PP" run job.toml --set output.dir=only --set train.steps=0 \
  --set model.checkpoint=two
check_python '
import json
only = json.load(open("only/eval.json"))
last = [json.loads(line) for line in open("two/metrics.jsonl")][-1]
assert all(only[key] == last[key] for key in last if key[:5] == "eval_" and
           key != "eval_s"), (only, last)
'

# Weights that don't fit, and a run that is resumed with others.
refused 3 "cross_entropy: train.loss.weights has 2 weights" "has 10 classes" -- \
  "$PP" run job.toml --set 'train.loss.weights=[1, 2]' --set output.dir=bad
"$PYTHON" -c '
import numpy as np
np.save("negative.npy", -np.ones(10)), np.save("matrix.npy", np.ones((5, 2)))
np.save("zeros.npy", np.zeros(10)), np.save("empty.npy", np.zeros(0))'
refused 3 "zeros.npy: all class weights are 0" -- \
  "$PP" run job.toml --set train.loss.weights=zeros.npy --set output.dir=bad
refused 3 "empty.npy: there are no class weights" -- \
  "$PP" run job.toml --set train.loss.weights=empty.npy --set output.dir=bad
refused 3 "negative.npy: a class weight is negative" -- \
  "$PP" run job.toml --set train.loss.weights=negative.npy --set output.dir=bad
refused 3 "matrix.npy: class weights are a list of numbers" "float64 [5, 2]" -- \
  "$PP" run job.toml --set train.loss.weights=matrix.npy --set output.dir=bad
refused 2 "the hash of train.loss.weights" -- "$PP" run job.toml --resume \
  --set output.dir=two --set 'train.loss.weights=[1, 1, 1, 1, 1, 1, 1, 1, 1, 1]'
refused 2 "train.loss.label_smoothing = 0.1, but the job has 0.2" -- \
  "$PP" run job.toml --resume --set output.dir=two --set train.loss.label_smoothing=0.2
